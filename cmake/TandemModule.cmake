# tandem_module(NAME SOURCES... [DEPENDS targets...]): a layer of core/ as a static library, C99 without an OS.
function(tandem_module name)
  cmake_parse_arguments(M "" "" "DEPENDS" ${ARGN})
  add_library(${name} STATIC ${M_UNPARSED_ARGUMENTS})
  set_target_properties(${name} PROPERTIES C_STANDARD 99)
  target_compile_options(${name} PRIVATE -ffreestanding)
  target_link_libraries(${name} PUBLIC tandem_flags ${M_DEPENDS})
endfunction()

# tandem_program(NAME SOURCES... [DEPENDS targets...]): a host program in build/<preset>/bin, C11 with POSIX.
function(tandem_program name)
  cmake_parse_arguments(P "" "" "DEPENDS" ${ARGN})
  add_executable(${name} ${P_UNPARSED_ARGUMENTS})
  set_target_properties(${name} PROPERTIES C_STANDARD 11)
  target_compile_definitions(${name} PRIVATE _GNU_SOURCE TANDEM_VERSION="${PROJECT_VERSION}")
  target_link_libraries(${name} PRIVATE tandem_flags ${P_DEPENDS})
endfunction()

# tandem_test(NAME SOURCES... [DEPENDS targets...]): a cmocka test, also run under qemu-user in the cross builds.
function(tandem_test name)
  cmake_parse_arguments(T "" "" "DEPENDS" ${ARGN})
  add_executable(${name} ${T_UNPARSED_ARGUMENTS})
  set_target_properties(${name} PROPERTIES C_STANDARD 11 RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests/bin")
  target_compile_definitions(${name} PRIVATE _GNU_SOURCE)
  target_link_libraries(${name} PRIVATE tandem_flags ${T_DEPENDS} tandem_cmocka)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300 LABELS unit)
endfunction()

# tandem_fuzzer(NAME SOURCES... [DEPENDS targets...]): a libFuzzer target in build/fuzz/bin.
function(tandem_fuzzer name)
  cmake_parse_arguments(F "" "" "DEPENDS" ${ARGN})
  add_executable(${name} ${F_UNPARSED_ARGUMENTS})
  set_target_properties(${name} PROPERTIES C_STANDARD 11)
  target_compile_definitions(${name} PRIVATE _GNU_SOURCE)
  target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(${name} PRIVATE tandem_flags ${F_DEPENDS})
endfunction()
