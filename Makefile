# The front door. Real work goes through the CMake presets; see CONTRIBUTING.md.
.DEFAULT_GOAL := host

PRESET_BUILD = cmake --preset $(1) >/dev/null && cmake --build --preset $(1)

.PHONY: deps host firmware clean

deps:
	@tools/deps

host:
	$(call PRESET_BUILD,host)

firmware:
	$(call PRESET_BUILD,mps2)

clean:
	rm -rf build
