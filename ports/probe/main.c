#include "ports/probe/probe.h"

int main(void)
{
    probe_run();
}
