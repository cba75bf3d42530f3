/* BearSSL's prime_i15 knows three curves by name, and only P-256 is ever asked for. Empty definitions in the
 * place of the others save a bootloader 350 bytes. */
#include "inner.h"

const br_ec_curve_def br_secp384r1 = {0, NULL, 0, NULL, 0};
const br_ec_curve_def br_secp521r1 = {0, NULL, 0, NULL, 0};
