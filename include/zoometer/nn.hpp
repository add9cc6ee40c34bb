#pragma once

/// \file
/// What a program needs to write a model of its own: PyTorch's layers, the operators that are
/// called on tensors, and the row that gives the model its name and its input. See
/// zoometer::Module for how a module is declared and zoometer::Trace for what builds one.

#include "zoometer/models/model.hpp"
#include "zoometer/nn/attention.hpp"
#include "zoometer/nn/blocks.hpp"
#include "zoometer/nn/decoder.hpp"
#include "zoometer/nn/layers.hpp"
#include "zoometer/op/reduce.hpp"
#include "zoometer/op/resample.hpp"
