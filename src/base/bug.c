/* SPDX-License-Identifier: Apache-2.0 */
/* bug: the last words of a process that found itself broken. */
#include <stdio.h>
#include <stdlib.h>

#include "base/bug.h"

#include "base/poison.h"

void bug_abort(const char *file, int line, const char *what)
{
	(void)fprintf(stderr, "BUG %s:%d: %s\n", file, line, what);
	abort();
}
