/* SPDX-License-Identifier: Apache-2.0 */
/* spool_writer: a queue to the disk thread, a list of results back. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "io/spool_writer.h"

#include "base/arena.h"
#include "base/bug.h"
#include "base/err.h"
#include "base/mem.h"
#include "io/fd.h"

#include "base/poison.h"

struct spool_job {
	struct spool_job *next;
	struct arena *arena; /* of meta */
	struct spool_meta meta;
	char *body;
	size_t n;
	/* set by the thread */
	enum status st;
	enum spool_limit which;
	struct err err;
	/* the loop's own; done NULL: cancelled */
	spool_done_fn *done;
	void *ctx;
};

struct job_list {
	struct spool_job *first, **tail;
};

struct spool_writer {
	struct loop *loop;
	struct loop_io wakeup;
	struct spool *spool;
	size_t max_bytes, queued_bytes; /* queued_bytes: the loop's own */
	int event;			/* the thread tells the loop */
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t more;
	struct job_list todo, finished;
	bool ending;
};

static void list_init(struct job_list *l)
{
	l->first = NULL;
	l->tail = &l->first;
}

static void list_add(struct job_list *l, struct spool_job *job)
{
	job->next = NULL;
	*l->tail = job;
	l->tail = &job->next;
}

static struct spool_job *list_take(struct job_list *l)
{
	struct spool_job *first = l->first;

	list_init(l);
	return first;
}

static void job_free(struct spool_job *job)
{
	arena_free(&job->arena);
	mem_free(job->body);
	mem_free(job);
}

static void lock(struct spool_writer *w)
{
	BUG(pthread_mutex_lock(&w->lock) != 0);
}

static void unlock(struct spool_writer *w)
{
	BUG(pthread_mutex_unlock(&w->lock) != 0);
}

/* ---- on the thread ---- */

static void write_group(struct spool_writer *w, struct spool_job *group)
{
	struct err err = {};
	enum status st;
	bool any = false;

	for (struct spool_job *j = group; j != NULL; j = j->next) {
		j->st = spool_stage(w->spool, &j->meta,
			(struct str){ j->body, j->n }, NULL, &j->which,
			&j->err);
		any |= j->st == ST_OK;
	}
	if (!any)
		return;
	st = spool_sync(w->spool, &err);
	for (struct spool_job *j = group; st != ST_OK && j != NULL;
		j = j->next) {
		if (j->st != ST_OK)
			continue;
		j->st = st;
		j->err = err;
	}
}

static void hand_back(struct spool_writer *w, struct spool_job *group)
{
	uint64_t one = 1;
	struct spool_job *next;

	lock(w);
	for (; group != NULL; group = next) {
		next = group->next;
		list_add(&w->finished, group);
	}
	unlock(w);
	while (write(w->event, &one, sizeof(one)) < 0)
		BUG(errno != EINTR && errno != EAGAIN);
}

static void *thread_main(void *arg)
{
	struct spool_writer *w = arg;
	struct spool_job *group;

	for (;;) {
		lock(w);
		while (w->todo.first == NULL && !w->ending)
			BUG(pthread_cond_wait(&w->more, &w->lock) != 0);
		group = list_take(&w->todo);
		unlock(w);
		if (group == NULL)
			return NULL;
		write_group(w, group);
		hand_back(w, group);
	}
}

/* ---- on the loop ---- */

static void on_wakeup(void *ctx, unsigned ready)
{
	struct spool_writer *w = ctx;
	struct spool_job *job, *next;
	uint64_t n;

	(void)ready;
	if (read(w->event, &n, sizeof(n)) < 0)
		return;
	lock(w);
	job = list_take(&w->finished);
	unlock(w);
	for (; job != NULL; job = next) {
		next = job->next;
		w->queued_bytes -= job->n;
		if (job->done != NULL)
			job->done(job->ctx, job->st, job->which, job->err.text);
		job_free(job);
	}
}

struct spool_writer *spool_writer_new(
	struct loop *l, struct spool *s, size_t max_bytes)
{
	struct spool_writer *w = mem_must(sizeof(*w));

	w->loop = l;
	w->spool = s;
	w->max_bytes = max_bytes;
	list_init(&w->todo);
	list_init(&w->finished);
	w->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	BUG(w->event < 0);
	BUG(pthread_mutex_init(&w->lock, NULL) != 0);
	BUG(pthread_cond_init(&w->more, NULL) != 0);
	BUG(pthread_create(&w->thread, NULL, thread_main, w) != 0);
	loop_io_start(&w->wakeup, l, w->event, LOOP_READ, on_wakeup, w);
	return w;
}

void spool_writer_free(struct spool_writer **wp)
{
	struct spool_writer *w = *wp;
	struct spool_job *job, *next;

	if (w == NULL)
		return;
	lock(w);
	w->ending = true;
	BUG(pthread_cond_signal(&w->more) != 0);
	unlock(w);
	BUG(pthread_join(w->thread, NULL) != 0);
	loop_io_stop(&w->wakeup);
	fd_close(&w->event);
	for (job = list_take(&w->finished); job != NULL; job = next) {
		next = job->next;
		job_free(job);
	}
	(void)pthread_cond_destroy(&w->more);
	(void)pthread_mutex_destroy(&w->lock);
	mem_free(w);
	*wp = NULL;
}

enum status spool_writer_start(struct spool_writer *w,
	const struct spool_meta *meta, char *body, size_t n,
	spool_done_fn *done, void *ctx, struct spool_job **out)
{
	struct spool_job *job;

	if (n > w->max_bytes - w->queued_bytes)
		return ST_LIMIT;
	job = mem_must(sizeof(*job));
	job->arena = arena_must(0);
	job->meta = *meta;
	job->meta.id = arena_str(job->arena, meta->id);
	job->meta.remote = arena_str(job->arena, meta->remote);
	job->meta.content_type = arena_str(job->arena, meta->content_type);
	job->body = body;
	job->n = n;
	job->done = done;
	job->ctx = ctx;
	w->queued_bytes += n;
	lock(w);
	list_add(&w->todo, job);
	BUG(pthread_cond_signal(&w->more) != 0);
	unlock(w);
	*out = job;
	return ST_OK;
}

void spool_job_cancel(struct spool_job **job)
{
	if (*job == NULL)
		return;
	(*job)->done = NULL;
	*job = NULL;
}
