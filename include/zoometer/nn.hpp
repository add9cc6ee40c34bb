#pragma once

/// \file
/// What a program needs to write a model of its own: PyTorch's layers, the operators that are
/// called on tensors, and the row that gives the model its name and its input. See
/// zoometer::Module for how a module is declared and zoometer::Trace for what builds one.

#include "models/model.hpp"
#include "nn/attention.hpp"
#include "nn/blocks.hpp"
#include "nn/layers.hpp"
#include "op/reduce.hpp"
#include "op/resample.hpp"
