# Makes a C file that holds the bytes of FILE as `const unsigned char NAME[]` and their number as NAME_bytes.
function(tandem_embed file name output)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
  file(READ "${file}" hex HEX)
  string(LENGTH "${hex}" digits)
  math(EXPR bytes "${digits} / 2")
  string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
  file(CONFIGURE OUTPUT "${output}" CONTENT
    "#include <stddef.h>\nextern const unsigned char ${name}[];\nextern const size_t ${name}_bytes;\nconst unsigned char ${name}[] = {\n${hex}};\nconst size_t ${name}_bytes = ${bytes};\n")
endfunction()
