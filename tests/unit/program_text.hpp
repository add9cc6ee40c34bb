#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace zoometer::testing {

/// The JSON of an exported program, written piece by piece as torch.export would.
class ProgramText {
 public:
  /// `sizes` is JSON: "2,3" for numbers, or whole sizes like {"as_int":2}.
  ProgramText& parameter(const std::string& argument, const std::string& name,
                         const std::string& sizes);
  ProgramText& buffer(const std::string& argument, const std::string& name,
                      const std::string& sizes, bool persistent = true);
  ProgramText& constant(const std::string& argument, const std::string& name,
                        const std::string& sizes);
  ProgramText& input(const std::string& argument, const std::string& sizes, int dtype = 7);
  /// `arguments` is a list of NAME=JSON, as {"self=T(x)", "dim={\"as_int\":1}"}; T(x) is a
  /// tensor, L(x,y) for a list of them, I(1,2) for integers, i(3) for one, f(0.5) for a number,
  /// b(true) for a boolean, S(text) for a text.
  ProgramText& node(const std::string& target, const std::vector<std::string>& arguments,
                    const std::string& output, const std::string& sizes,
                    const std::string& stack = "", int dtype = 7);
  /// A node whose results are given as JSON; their values are declared with `value`.
  ProgramText& raw_node(const std::string& target, const std::vector<std::string>& arguments,
                        const std::string& outputs, const std::string& stack = "");
  ProgramText& value(const std::string& name, const std::string& sizes, int dtype = 7);
  ProgramText& symbol(const std::string& name, const std::string& expression);
  ProgramText& range(const std::string& name, const std::string& least, const std::string& most);
  ProgramText& output(const std::string& argument);
  ProgramText& module_call(const std::string& path, const std::string& out_spec = "");

  /// The graph alone, for use inside another one.
  std::string graph() const;
  std::string str() const;
  /// The same with schema 1's dictionaries instead of specifications.
  std::string old_str() const;

 private:
  std::string inputs_, outputs_, nodes_, values_, symbols_, ranges_, calls_;
  std::string input_specs_, output_specs_;
  std::string old_parameters_, old_buffers_, old_inputs_, old_outputs_;
};

}  // namespace zoometer::testing
