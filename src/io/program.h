/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program: runs a program of this machine, without a shell, with an empty
 * standard input and next to no environment. Blocking: for the command line
 * and helpers, never in a role with a loop.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"

/* What it wrote to standard output, in pieces; false: enough, end it. */
typedef bool program_fn(void *ctx, struct str piece);

/*
 * Runs argv, whose first word is an absolute path; after limit_ms it and what
 * it started are killed. What it writes to standard error is put into e when
 * it fails. ST_NOTFOUND: there is no such program; ST_PERM: it may not be run;
 * ST_INVALID: it failed; ST_LIMIT: fn had enough; ST_TEMP: too slow, or no
 * process to be had.
 */
enum status program_run(const char *const *argv, int limit_ms, program_fn *fn,
	void *ctx, struct err *e);

/* The same with all of its output, at most max bytes, in a. */
enum status program_output(const char *const *argv, int limit_ms,
	struct arena *a, size_t max, struct str *out, struct err *e);
