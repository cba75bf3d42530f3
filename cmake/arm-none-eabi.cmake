# Bare-metal ARM. TANDEM_CPU is what -mcpu takes.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR arm)
set(CMAKE_C_COMPILER arm-none-eabi-gcc)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES TANDEM_CPU)
set(TANDEM_CPU cortex-m3 CACHE STRING "Processor")
# -mword-relocations: absolute addresses are words and not MOVW/MOVT pairs, as `tandem pack` needs them.
set(CMAKE_C_FLAGS_INIT "-mcpu=${TANDEM_CPU} -mthumb -mword-relocations -ffunction-sections -fdata-sections -g")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,--gc-sections --specs=nano.specs --specs=nosys.specs")
