#pragma once

#include <array>

#include "zoometer/nn/module.hpp"

namespace zoometer {

/// Up to eight tensors, such as the maps that a backbone returns, kept inline.
class Features {
 public:
  Features() = default;
  Features(std::initializer_list<Tensor> maps) {
    for (const Tensor& map : maps) push_back(map);
  }

  void push_back(Tensor map) {
    if (size_ == maps_.size()) throw_too_long(size_ + std::size_t{1}, maps_.size());
    maps_[size_++] = map;
  }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  Tensor operator[](std::size_t index) const noexcept { return maps_[index]; }
  Tensor& operator[](std::size_t index) noexcept { return maps_[index]; }
  Tensor front() const noexcept { return maps_[0]; }
  Tensor back() const noexcept { return maps_[size_ - std::size_t{1}]; }
  const Tensor* begin() const noexcept { return maps_.data(); }
  const Tensor* end() const noexcept { return maps_.data() + size_; }

 private:
  std::array<Tensor, 8> maps_;
  std::size_t size_ = 0;
};

}  // namespace zoometer
