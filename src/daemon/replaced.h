/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replaced: files that a role reads again later, where its sandbox allows the
 * file but not the folder it is in. What is put in the place of such a file is
 * another one to Landlock; when that shows, the loop is stopped, and the
 * supervisor starts the role anew with a sandbox that knows the new file.
 */
#pragma once

#include <stddef.h>

#include "io/loop.h"

#define REPLACED_FILES_MAX 8u
#define REPLACED_LOOK_MS 5000

/* Embedded; all zero: none. */
struct replaced {
	struct loop *loop;
	struct loop_timer timer;
	const char *files[REPLACED_FILES_MAX];
	size_t n;
};

/* Not yet in the sandbox. The text is borrowed; what cannot be read is left. */
void replaced_add(struct replaced *r, const char *file);

void replaced_start(struct replaced *r, struct loop *loop);
void replaced_stop(struct replaced *r);
