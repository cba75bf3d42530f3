# A board's folder is one of ports/, or anywhere: TANDEM_PORT is its path, TANDEM_BOARD_NAME its last part.
cmake_path(ABSOLUTE_PATH TANDEM_BOARD BASE_DIRECTORY "${PROJECT_SOURCE_DIR}/ports" NORMALIZE OUTPUT_VARIABLE TANDEM_PORT)
cmake_path(GET TANDEM_PORT FILENAME TANDEM_BOARD_NAME)
if(TANDEM_BOARD AND NOT EXISTS "${TANDEM_PORT}/CMakeLists.txt")
  message(FATAL_ERROR "TANDEM_BOARD: there is no port in ${TANDEM_PORT}; name a folder of ports/, or give the absolute path of "
    "yours, without a slash at the end (docs/PORTING.md)")
endif()

# A board has one layout of its flash or several: its folder holds the first, folders in it hold others (layout.json, and what
# is made of it). Programs and packages of one layout say so in their hardware id, and do not run on the other.
set(TANDEM_LAYOUT "" CACHE STRING "Folder of the port with another layout; empty: the port's own")
set(TANDEM_HARDWARE "${TANDEM_BOARD_NAME}-demo")
if(TANDEM_LAYOUT)
  set(TANDEM_HARDWARE "${TANDEM_BOARD_NAME}-${TANDEM_LAYOUT}-demo")
endif()

# tandem_check_layout(FOLDER): its layout.h and memory.ld are there, and what layout.json says, so that the factory image, which is
# made by layout.json, fits the programs. tests/port/test_layouts.py holds that for the boards of ports/.
function(tandem_check_layout folder)
  cmake_path(IS_PREFIX PROJECT_SOURCE_DIR "${folder}" NORMALIZE ours)
  find_program(TANDEM_COMMAND tandem HINTS "${PROJECT_SOURCE_DIR}/build/bin" DOC "The tandem command of this machine")
  foreach(made IN ITEMS layout.h:--c-header memory.ld:--ld)
    string(REPLACE ":" ";" made "${made}")
    list(GET made 0 name)
    list(GET made 1 option)
    set(remedy "run: cd ${folder} && tandem layout layout.json ${option} > ${name}")
    if(NOT EXISTS "${folder}/${name}")
      message(FATAL_ERROR "${folder}/${name} is not there; ${remedy}")
    endif()
    if(ours OR NOT TANDEM_COMMAND)
      continue()
    endif()
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${folder}/layout.json" "${folder}/${name}")
    execute_process(COMMAND "${TANDEM_COMMAND}" layout "${folder}/layout.json" ${option} OUTPUT_VARIABLE now
      COMMAND_ERROR_IS_FATAL ANY)
    file(READ "${folder}/${name}" kept)
    if(NOT kept STREQUAL now)
      message(FATAL_ERROR "${folder}/${name} is not what layout.json says now; ${remedy}")
    endif()
  endforeach()
endfunction()

# tandem_board_programs(): called by a board's CMakeLists.txt once its library tandem_board is there. The folder has the linker
# scripts bootloader.ld and application.ld; their paths are left in TANDEM_BOOTLOADER_LD and TANDEM_APPLICATION_LD for the
# programs that come after. Builds the probe once in the bootloader's place and once as an application.
macro(tandem_board_programs)
  cmake_path(APPEND CMAKE_CURRENT_SOURCE_DIR "${TANDEM_LAYOUT}" OUTPUT_VARIABLE layout)
  tandem_check_layout("${layout}")
  target_include_directories(tandem_board PRIVATE "${layout}")
  # -n: no page alignment, so that the loadable segments are the image and nothing else.
  target_link_options(tandem_board PUBLIC -nostartfiles -Wl,-n -L${layout} -L${CMAKE_CURRENT_SOURCE_DIR})
  foreach(place IN ITEMS bootloader application)
    string(TOUPPER "TANDEM_${place}_LD" script)
    set(${script} "${CMAKE_CURRENT_SOURCE_DIR}/${place}.ld")
    set(${script} "${${script}}" PARENT_SCOPE)
    add_executable(probe-${place} "${PROJECT_SOURCE_DIR}/ports/probe/probe.c" "${PROJECT_SOURCE_DIR}/ports/probe/main.c")
    set_target_properties(probe-${place} PROPERTIES C_STANDARD 11 SUFFIX .elf LINK_DEPENDS
      "${${script}};${CMAKE_CURRENT_SOURCE_DIR}/sections.ld;${layout}/memory.ld"
      RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
    target_link_libraries(probe-${place} PRIVATE tandem_board)
    target_link_options(probe-${place} PRIVATE -T${${script}} -Wl,--emit-relocs)
    add_custom_command(TARGET probe-${place} POST_BUILD
      COMMAND ${CMAKE_OBJCOPY} -O binary $<TARGET_FILE:probe-${place}> ${PROJECT_BINARY_DIR}/bin/probe-${place}.bin)
  endforeach()
endmacro()
