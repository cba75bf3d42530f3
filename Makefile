# The front door. Real work goes through the CMake presets (CONTRIBUTING.md).
.DEFAULT_GOAL := host

.PHONY: help deps host firmware demo test bench soak check amalgamation clean

help:
	@echo 'make          host programs into build/bin'
	@echo 'make demo     the whole system once, in QEMU; KEEP=1 leaves it running'
	@echo 'make test     every test; FUZZ_SECONDS=20 per fuzz target'
	@echo 'make bench    sizes and figures'
	@echo 'make check    style rules, and the model of the boot record'
	@echo 'make firmware bootloader and example application for the boards'
	@echo 'make soak     the long runs'
	@echo 'make amalgamation  the device library as two files, dist/tandem.h and dist/tandem.c'
	@echo 'make clean    removes build/ and dist/'

deps:
	@tools/deps

host: deps
	@cmake --preset host >/dev/null
	@cmake --build --preset host -- --quiet
	@echo 'Programs are in build/bin.'

firmware: deps
	@for board in mps2 nrf51; do cmake --preset $$board >/dev/null && cmake --build --preset $$board -- --quiet || exit 1; done
	@echo 'Firmware is in build/mps2/bin and build/nrf51/bin.'

demo: host firmware
	@tools/demo $(if $(KEEP),--keep)

test: deps
	@tools/test

bench: deps
	@tools/bench --write

soak: deps
	@tools/soak

check: deps
	@tools/check
	@tools/model-check

amalgamation:
	@tools/amalgamate

clean:
	rm -rf build dist
