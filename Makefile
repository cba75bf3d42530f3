# The front door. Real work goes through the CMake presets (CONTRIBUTING.md).
.DEFAULT_GOAL := host
FIRMWARE := mps2 mps2-onebank nrf51 nrf51-onebank
BOARD ?= mps2

.PHONY: help deps deps-test host console firmware demo demo-onebank test bench soak check amalgamation clean

help:
	@echo 'make               host programs into build/bin, the console into build/console'
	@echo 'make console       the console alone'
	@echo 'make demo          the whole system once, in QEMU; KEEP=1 leaves it running'
	@echo 'make demo-onebank  the same on a device with one bank, whose bootloader fetches; BOARD=nrf51 for the Cortex-M0'
	@echo 'make test          every test; FUZZ_SECONDS=20 per fuzz target'
	@echo 'make bench         sizes and figures; tools/bench --help: one section alone'
	@echo 'make check         style rules, and the model of the boot record'
	@echo 'make firmware      bootloader and example application for the boards'
	@echo 'make soak          the long runs'
	@echo 'make amalgamation  the device library as two files, dist/tandem.h and dist/tandem.c'
	@echo 'make clean         removes build/ and dist/'

deps:
	@tools/deps

deps-test:
	@tools/deps test

host: deps
	@echo 'Building the programs and the console; the first time takes some minutes.'
	@tools/build host
	@tools/build console || echo 'The programs work without the console; `make console` tries again.'
	@echo 'Programs are in build/bin.'

console: deps
	@tools/build console
	@echo 'The console is in build/console; build/bin/tandem-cloud serves it.'

firmware: deps
	@tools/build $(FIRMWARE)
	@echo 'Firmware is in build/BOARD/bin: $(FIRMWARE).'

demo: host
	@echo 'Building the firmware.'
	@tools/build mps2
	@tools/demo $(if $(KEEP),--keep)

demo-onebank: host
	@echo 'Building the firmware.'
	@tools/build $(BOARD)-onebank
	@tools/demo --onebank --board $(BOARD) $(if $(KEEP),--keep)

test: deps-test
	@tools/test

bench: deps-test
	@tools/bench --write

soak: deps-test
	@tools/soak

check: deps-test
	@tools/check
	@tools/model-check

amalgamation:
	@tools/amalgamate

clean:
	rm -rf build dist console/node_modules
