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
#include "base/sbuf.h"
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

/* Writes n messages, as many at once as the kernel takes. */
enum status channel_write_all(int fd, const struct str *messages, size_t n,
	struct mono deadline, struct err *e);

/* Keeps what is written until cap bytes are full or channel_flush is called. */
struct channel_writer {
	int fd;
	struct sbuf kept; /* of memory that is borrowed */
};

struct channel_writer channel_writer_of(int fd, char *p, size_t cap);

/* As channel_write_all, now or later. */
enum status channel_put(struct channel_writer *w, const struct str *messages,
	size_t n, struct mono deadline, struct err *e);

/* Writes what is kept. */
enum status channel_flush(
	struct channel_writer *w, struct mono deadline, struct err *e);

/*
 * Reads messages of fd, and ahead of them, so that many small ones cost few
 * calls of the system: nobody else can read from fd.
 */
struct channel_reader {
	int fd;
	char *ahead;	   /* of cap bytes, borrowed */
	size_t cap, at, n; /* bytes from at to n are there and not taken */
};

/* cap: CHANNEL_AHEAD_MIN at least. */
#define CHANNEL_AHEAD_MIN 16u
struct channel_reader channel_reader_of(int fd, char *ahead, size_t cap);

/*
 * Reads the next message, of at most max bytes, into the arena. ST_NOTFOUND:
 * the peer closed before its first byte; ST_TEMP: gone in the middle, or the
 * deadline; ST_INVALID: not a netstring; ST_LIMIT: longer than max.
 */
enum status channel_next(struct channel_reader *r, struct arena *a, size_t max,
	struct mono deadline, struct str *out, struct err *e);

/* As channel_next, for the last message of fd: what comes behind is lost. */
enum status channel_read(int fd, struct arena *a, size_t max,
	struct mono deadline, struct str *out, struct err *e);
