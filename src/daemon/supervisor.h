/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor: the first process of moatd. It opens sockets and folders while
 * it may, starts one process per role and worker, starts a crashed one again
 * with back-off, and stops them all. It reads nothing that strangers send.
 */
#pragma once

#include "base/err.h"
#include "base/status.h"

struct settings;

/* Holds the pid and a lock while the supervisor lives. */
#define SUPERVISOR_PID_FILE "moatd.pid"

/*
 * Runs until SIGTERM or SIGINT. SIGHUP reads the settings anew from path and
 * restarts every role; a faulty file is refused and all goes on as it was.
 * Takes over *set. path is NULL if the settings are the defaults.
 */
enum status supervisor_run(
	const char *path, struct settings **set, struct err *e);
