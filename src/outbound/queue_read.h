/* SPDX-License-Identifier: Apache-2.0 */
/*
 * queue_read: Postfix's queue, by its own programs: postqueue(1) is setgid and
 * may see it, we may not. Blocking, see io/program.h.
 */
#pragma once

#include "outbound/queue_line.h"

struct queue_where {
	const char *commands; /* the folder with postqueue */
	const char *config;   /* the folder with main.cf; "": Postfix's own */
};

/* The message is borrowed. */
typedef void queue_read_fn(void *ctx, const struct queue_message *m);

/*
 * Calls fn for each message. *unreadable is the number of lines that are none,
 * which are passed over. ST_LIMIT: there are more than QUEUE_MESSAGES_MAX;
 * fn had as many. Others as program_run.
 */
enum status queue_read(const struct queue_where *where, queue_read_fn *fn,
	void *ctx, size_t *unreadable, struct err *e);

#define QUEUE_MESSAGES_MAX 1000000u

/*
 * Has Postfix try a message now, whatever its time ("postqueue -i ID"). The id
 * is one of queue_read. Statuses as program_run.
 */
enum status queue_release(
	const struct queue_where *where, struct str id, struct err *e);
