#!/usr/bin/env bash
# Models that Keras saves as .keras and .h5 have its parameters, the sizes of all layers, and the MACs of the program that
# JAX runs for them; among them eight networks of keras.applications. Minutes.
set -u
. "$SOURCE_DIR/tests/oracle/_venv.sh"
run_counted "$(jax_python)" keras_models.py 43
