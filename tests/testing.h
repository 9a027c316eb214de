/* SPDX-License-Identifier: Apache-2.0 */
/* testing: cmocka with the includes it wants, and str assertions. */
#pragma once

/* clang-format off: cmocka.h needs these before it */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <string.h>

#include "base/str.h"

/* Rows of test tables may leave out what does not matter to them. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define assert_str(actual, expected_cstr)                                      \
	do {                                                                   \
		struct str actual_ = (actual);                                 \
		assert_int_equal(actual_.n, strlen(expected_cstr));            \
		assert_memory_equal(actual_.n == 0 ? "" : actual_.p,           \
			expected_cstr, actual_.n);                             \
	} while (0)
