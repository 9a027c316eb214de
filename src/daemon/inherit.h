/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inherit: how the supervisor hands descriptors to a role over exec: from 3
 * on, their names in LISTEN_FDNAMES, as systemd does it (sd_listen_fds(3)).
 * A socket-activated moatd gets its own the same way.
 */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "base/status.h"

#define INHERIT_FIRST_FD 3
#define INHERIT_MAX 512

/*
 * Reads what this process inherited, once, at the very start, and makes it
 * close-on-exec. ST_INVALID when the variables do not fit together.
 */
enum status inherit_init(struct err *e);

/* The i-th inherited descriptor of that name and forgets it; -1: none left. */
int inherit_take(const char *name, size_t i);
