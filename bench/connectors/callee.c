/* SPDX-License-Identifier: BSD-2-Clause */
#include <camkes.h>

void called_hit(void) {}
