/* SPDX-License-Identifier: Apache-2.0 */
/* bug: BUG(cond) aborts in every build when cond holds. Never for input. */
#pragma once

__attribute__((noreturn)) void bug_abort(
	const char *file, int line, const char *what);

#define BUG(cond)                                                              \
	do {                                                                   \
		if (__builtin_expect(!!(cond), 0))                             \
			bug_abort(__FILE__, __LINE__, #cond);                  \
	} while (0)
