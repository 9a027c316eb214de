/* SPDX-License-Identifier: Apache-2.0 */
/* child: fork and exec of one role with its sockets and nothing else. */
#pragma once

#include <sys/types.h>

#include "base/err.h"
#include "base/status.h"
#include "daemon/role.h"
#include "daemon/sockets.h"

struct child_plan {
	const struct role *role;
	unsigned worker, workers;
	const char *settings_path; /* NULL: the defaults */
	const struct sockets *sockets;
};

/*
 * Starts the role. *ready is a pipe's end that becomes readable when the role
 * is up (one byte) or gone (end of file); the caller owns it.
 */
enum status child_start(
	const struct child_plan *plan, pid_t *pid, int *ready, struct err *e);
