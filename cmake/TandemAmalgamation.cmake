# The device library from its two-file form (docs/AMALGAMATION.md). tandem_module gives these layers of core/ as names for it.
set(TANDEM_AMALGAMATED tandem_link tandem_rpc tandem_image tandem_boot tandem_mcu tandem_fetch)

find_package(Python3 REQUIRED COMPONENTS Interpreter)
set(dist "${PROJECT_BINARY_DIR}/dist")
file(GLOB_RECURSE parts CONFIGURE_DEPENDS
  "${PROJECT_SOURCE_DIR}/core/*.[ch]" "${PROJECT_SOURCE_DIR}/core/*.txt" "${PROJECT_SOURCE_DIR}/include/tandem/*.h")
add_custom_command(OUTPUT "${dist}/tandem.h" "${dist}/tandem.c"
  COMMAND ${Python3_EXECUTABLE} "${PROJECT_SOURCE_DIR}/tools/amalgamate" --out "${dist}"
  DEPENDS "${PROJECT_SOURCE_DIR}/tools/amalgamate" ${parts})
add_library(tandem_amalgamation STATIC "${dist}/tandem.c")
set_target_properties(tandem_amalgamation PROPERTIES C_STANDARD 99)
target_compile_options(tandem_amalgamation PRIVATE -ffreestanding)
target_link_libraries(tandem_amalgamation PUBLIC tandem_flags tandem_crypto)
