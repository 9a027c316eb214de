/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel: messages between our own processes over a stream socket, as
 * netstrings ("5:hello,"). Blocking with a deadline: for back roles and the
 * command line.
 */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"

/*
 * Connects to the unix socket at path. ST_NOTFOUND: nobody listens there;
 * ST_PERM: not allowed; ST_TEMP: else.
 */
enum status channel_connect(const char *path, int *fd, struct err *e);

/* Milliseconds from now until a deadline, never below 0. */
int channel_left_ms(struct mono deadline);

/* Writes one message. ST_TEMP: the peer is gone or the deadline has passed. */
enum status channel_write(
	int fd, struct str message, struct mono deadline, struct err *e);

#define CHANNEL_MESSAGES_MAX 20u

/* Writes several messages at once. */
enum status channel_write_all(int fd, const struct str *messages, size_t n,
	struct mono deadline, struct err *e);

/*
 * Reads one message of at most max bytes into the arena. ST_NOTFOUND: the peer
 * closed before its first byte; ST_TEMP: gone in the middle, or the deadline;
 * ST_INVALID: not a netstring; ST_LIMIT: longer than max.
 */
enum status channel_read(int fd, struct arena *a, size_t max,
	struct mono deadline, struct str *out, struct err *e);
