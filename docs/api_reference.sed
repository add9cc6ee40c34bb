# What Doxygen reads instead of a header (the Doxyfile's INPUT_FILTER): members that a class has by
# the rule of its base are described here, once and for all.
s,static constexpr auto kind =,/** The name of the class in the module tree: see Module. */ &,
s,static constexpr std::tuple(<>)? fields,/** The attributes by name: see Field. */ &,
s,static constexpr const OpDef\* op =,/** The operator that is applied: see Activation. */ &,
