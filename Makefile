# Every target only calls the script of its name.
.PHONY: setup run test check bench
setup run test check bench:
	scripts/$@
