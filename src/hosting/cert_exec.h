/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_exec: a command of the administrator that gives certificates. A role in
 * its sandbox may start nothing, so a helper is forked before the sandbox
 * closes. It knows one word: a host name, for which it runs "COMMAND HOST"
 * (no shell, its standard input empty) and gives back what the command wrote:
 * chain and private key as PEM. A role that was taken over can make it run
 * that one command for some host name, and nothing else.
 */
#pragma once

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"

struct cert_exec;

#define CERT_EXEC_TIMEOUT_S 300

/*
 * Forks the helper; command is an absolute path. After limit_s seconds the
 * command and what it started are killed.
 */
enum status cert_exec_start(const char *command, int64_t limit_s,
	struct cert_exec **out, struct err *e);

/*
 * Runs the command for host; the output, of *n bytes, goes to buf, which the
 * caller wipes. Threads wait for one another. ST_INVALID: the command failed
 * or wrote too much; ST_TEMP: the helper is gone or too slow.
 */
enum status cert_exec_run(struct cert_exec *x, struct str host, char *buf,
	size_t cap, size_t *n, struct err *e);

/* Ends the helper; clears *x; NULL is allowed. */
void cert_exec_stop(struct cert_exec **x);
