/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool_writer: the one disk thread of a front process. Reports queued while it
 * works are written together and share one fsync of the folder (group commit);
 * each completion arrives on the loop, so nothing there ever waits for a disk.
 */
#pragma once

#include "base/status.h"
#include "io/loop.h"
#include "io/spool.h"

struct spool_writer;
struct spool_job;

/*
 * st and which as spool_put gives them; ST_OK means durable. why is the error
 * text, "" with ST_OK; it is borrowed.
 */
typedef void spool_done_fn(
	void *ctx, enum status st, enum spool_limit which, const char *why);

/*
 * Starts the thread; s is borrowed and belongs to the thread until
 * spool_writer_free. At most max_bytes of reports wait in memory. Aborts when
 * no thread can be made.
 */
struct spool_writer *spool_writer_new(
	struct loop *l, struct spool *s, size_t max_bytes);

/*
 * Writes what is queued, ends the thread, calls no done any more; clears *w.
 * Not from inside a done.
 */
void spool_writer_free(struct spool_writer **w);

/*
 * Queues a report. body is memory of mem_must or mem_grow and is taken over
 * when the status is ST_OK; meta is copied. ST_LIMIT: too much is queued.
 * done is called once from the loop, never before this returns; the handle is
 * valid until then.
 */
enum status spool_writer_start(struct spool_writer *w,
	const struct spool_meta *meta, char *body, size_t n,
	spool_done_fn *done, void *ctx, struct spool_job **out);

/*
 * No done after this; the report may still be stored (the sender was not told,
 * and will send it again). Clears *job; NULL is allowed.
 */
void spool_job_cancel(struct spool_job **job);
