/* Firmware that scenarios ship. */
#ifndef SIM_SCENARIO_FIRMWARE_H
#define SIM_SCENARIO_FIRMWARE_H

#include "sim/scenario.h"

#define FACTORY                                                                                              \
    {                                                                                                        \
        "1.0.0", 1, SIM_HEALTHY, SIM_INTACT                                                                  \
    }
/* With counter 0, as images without a package have it. */
#define UNCOUNTED                                                                                            \
    {                                                                                                        \
        "1.0.0", 0, SIM_HEALTHY, SIM_INTACT                                                                  \
    }
#define GOOD                                                                                                 \
    {                                                                                                        \
        "1.1.0", 1, SIM_HEALTHY, SIM_INTACT                                                                  \
    }
#define NEWER                                                                                                \
    {                                                                                                        \
        "1.2.0", 2, SIM_HEALTHY, SIM_INTACT                                                                  \
    }

#endif
