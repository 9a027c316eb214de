/* SPDX-License-Identifier: Apache-2.0 */
/* policy_disk: a list to the thread, a list of what it has written back. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "cache/policy_disk.h"

#include "base/bug.h"
#include "base/map.h"
#include "base/mem.h"

#include "base/poison.h"

#define GROUP_MAX 256 /* changes in one transaction: LMDB's dirty pages */
#define RETRY_S 2     /* after a failure, doubling */
#define RETRY_MAX_S 30

struct change {
	struct change *next;
	uint64_t number;
	uint64_t since; /* the first change of key that is not yet on disk */
	struct str key, value; /* in bytes; value.p NULL: remove */
	bool taken;	       /* the thread has it; under the lock */
	char bytes[];
};

struct list {
	struct change *first, **tail;
};

struct policy_disk {
	struct policy_file *file;
	size_t max_bytes;
	/* The loop's own. */
	struct map *latest; /* key -> the newest change of it */
	uint64_t last;	    /* number given out */
	uint64_t durable;
	size_t n_waiting, waiting_bytes;
	bool started;
	/* The thread. */
	pthread_t thread;
	int event;	      /* the thread tells the loop */
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t more, tried;
	struct list todo, written;
	bool ending, hurry, busy, full;
	unsigned passes; /* times the list was tried to its end */
	enum status st;
	struct err err;
	uint64_t commits, failures;
};

static void list_init(struct list *l)
{
	l->first = NULL;
	l->tail = &l->first;
}

static void list_add(struct list *l, struct change *c)
{
	c->next = NULL;
	*l->tail = c;
	l->tail = &c->next;
}

static struct change *list_take(struct list *l)
{
	struct change *c = l->first;

	if (c == NULL)
		return NULL;
	l->first = c->next;
	if (c->next == NULL)
		l->tail = &l->first;
	return c;
}

static void lock(struct policy_disk *d)
{
	BUG(pthread_mutex_lock(&d->lock) != 0);
}

static void unlock(struct policy_disk *d)
{
	BUG(pthread_mutex_unlock(&d->lock) != 0);
}

/* ---- on the thread ---- */

static void tell(struct policy_disk *d)
{
	uint64_t one = 1;

	while (write(d->event, &one, sizeof(one)) < 0)
		BUG(errno != EINTR && errno != EAGAIN);
}

static size_t take_group(struct policy_disk *d, struct change **group)
{
	size_t n = 0;

	while (n < GROUP_MAX && d->todo.first != NULL) {
		group[n] = list_take(&d->todo);
		group[n++]->taken = true;
	}
	return n;
}

/* Those that were not written go to the front again, in their order. */
static void give_back(struct policy_disk *d, struct change **group, size_t n)
{
	struct list left;

	list_init(&left);
	for (size_t i = 0; i < n; i++) {
		if (group[i] == NULL)
			continue;
		group[i]->taken = false;
		list_add(&left, group[i]);
	}
	if (left.first == NULL)
		return;
	*left.tail = d->todo.first;
	if (d->todo.first != NULL)
		left.tail = d->todo.tail;
	/* An empty todo's tail was in the list itself. */
	d->todo.first = left.first;
	d->todo.tail = left.tail;
}

static enum status commit(
	struct policy_disk *d, struct change **group, size_t n, struct err *e)
{
	struct policy_write w[GROUP_MAX];

	for (size_t i = 0; i < n; i++)
		w[i] = (struct policy_write){ group[i]->key, group[i]->value };
	return policy_file_commit(d->file, w, n, e);
}

/* One by one, so that what makes room is not held up by what needs it. */
static enum status commit_each(struct policy_disk *d, struct change **group,
	size_t n, bool *done, struct err *e)
{
	enum status st = ST_OK, one;

	for (size_t i = 0; i < n; i++) {
		one = commit(d, &group[i], 1, e);
		done[i] = one == ST_OK;
		if (one != ST_OK)
			st = one;
		if (one != ST_OK && one != ST_LIMIT)
			break;
	}
	return st;
}

static enum status write_group(
	struct policy_disk *d, struct change **group, size_t n)
{
	bool done[GROUP_MAX] = {};
	struct err e = {};
	enum status st = commit(d, group, n, &e);
	bool full = policy_file_full(d->file);

	for (size_t i = 0; st == ST_OK && i < n; i++)
		done[i] = true;
	if (st == ST_LIMIT)
		st = commit_each(d, group, n, done, &e);
	lock(d);
	d->st = st;
	d->err = e;
	d->full = full;
	d->commits += st == ST_OK;
	d->failures += st != ST_OK;
	for (size_t i = 0; i < n; i++) {
		if (!done[i])
			continue;
		list_add(&d->written, group[i]);
		group[i] = NULL;
	}
	give_back(d, group, n);
	unlock(d);
	tell(d);
	return st;
}

/* Waits for something to do; false: the end. Under the lock. */
static bool wait_more(struct policy_disk *d, unsigned pause_s)
{
	struct timespec until;

	BUG(clock_gettime(CLOCK_MONOTONIC, &until) != 0);
	until.tv_sec += pause_s;
	while (pause_s > 0 && !d->ending && !d->hurry)
		if (pthread_cond_timedwait(&d->more, &d->lock, &until) ==
			ETIMEDOUT)
			break;
	while (d->todo.first == NULL && !d->ending) {
		d->hurry = false;
		BUG(pthread_cond_wait(&d->more, &d->lock) != 0);
	}
	d->hurry = false;
	return d->todo.first != NULL;
}

static unsigned longer(unsigned pause_s)
{
	if (pause_s == 0)
		return RETRY_S;
	return pause_s * 2 > RETRY_MAX_S ? RETRY_MAX_S : pause_s * 2;
}

static void *thread_main(void *arg)
{
	struct policy_disk *d = arg;
	struct change *group[GROUP_MAX];
	unsigned pause_s = 0;
	enum status st;
	bool last;
	size_t n;

	for (;;) {
		lock(d);
		if (!wait_more(d, pause_s)) {
			unlock(d);
			return NULL;
		}
		last = d->ending;
		n = take_group(d, group);
		d->busy = true;
		unlock(d);
		st = write_group(d, group, n);
		pause_s = st == ST_OK ? 0 : longer(pause_s);
		lock(d);
		d->busy = false;
		if (d->todo.first == NULL || st != ST_OK) {
			d->passes++;
			BUG(pthread_cond_broadcast(&d->tried) != 0);
		}
		unlock(d);
		if (last && st != ST_OK)
			return NULL;
	}
}

/* ---- on the loop ---- */

struct policy_disk *policy_disk_new(
	struct policy_file *f, size_t max_waiting_bytes)
{
	struct policy_disk *d = mem_must(sizeof(*d));
	pthread_condattr_t attr;

	d->file = f;
	d->max_bytes = max_waiting_bytes;
	d->latest = map_new();
	list_init(&d->todo);
	list_init(&d->written);
	d->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	BUG(d->event < 0);
	BUG(pthread_mutex_init(&d->lock, NULL) != 0);
	BUG(pthread_condattr_init(&attr) != 0);
	BUG(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0);
	BUG(pthread_cond_init(&d->more, &attr) != 0);
	(void)pthread_condattr_destroy(&attr);
	BUG(pthread_cond_init(&d->tried, NULL) != 0);
	return d;
}

void policy_disk_start(struct policy_disk *d, int *fd)
{
	BUG(d->started);
	BUG(pthread_create(&d->thread, NULL, thread_main, d) != 0);
	d->started = true;
	*fd = d->event;
}

static void free_list(struct list *l)
{
	struct change *c;

	while ((c = list_take(l)) != NULL)
		mem_free(c);
}

void policy_disk_free(struct policy_disk **dp)
{
	struct policy_disk *d = *dp;

	if (d == NULL)
		return;
	if (d->started) {
		lock(d);
		d->ending = true;
		BUG(pthread_cond_signal(&d->more) != 0);
		unlock(d);
		BUG(pthread_join(d->thread, NULL) != 0);
	}
	free_list(&d->todo);
	free_list(&d->written);
	map_free(&d->latest);
	(void)close(d->event);
	(void)pthread_cond_destroy(&d->more);
	(void)pthread_cond_destroy(&d->tried);
	(void)pthread_mutex_destroy(&d->lock);
	mem_free(d);
	*dp = NULL;
}

static struct change *change_new(struct str key, struct str value)
{
	struct change *c = mem_must(sizeof(*c) + key.n + value.n + 1);

	memcpy(c->bytes, key.p, key.n);
	c->key = (struct str){ c->bytes, key.n };
	if (value.p != NULL) {
		memcpy(c->bytes + key.n, value.p, value.n);
		c->value = (struct str){ c->bytes + key.n, value.n };
	}
	return c;
}

static size_t size_of(const struct change *c)
{
	return sizeof(*c) + c->key.n + c->value.n + 64; /* its map entry */
}

/* A change of the same key that the thread has not begun: out with it. */
static void drop_older(struct policy_disk *d, struct change *old)
{
	struct list kept;
	struct change *c;

	list_init(&kept);
	while ((c = list_take(&d->todo)) != NULL)
		if (c != old)
			list_add(&kept, c);
	d->todo = kept;
	if (kept.first == NULL)
		list_init(&d->todo);
	d->n_waiting--;
	d->waiting_bytes -= size_of(old);
	mem_free(old);
}

enum status policy_disk_put(struct policy_disk *d, struct str key,
	struct str value, uint64_t *change)
{
	struct change *c = change_new(key, value), *old;

	if (value.p != NULL && size_of(c) > d->max_bytes - d->waiting_bytes) {
		mem_free(c);
		return ST_LIMIT;
	}
	c->number = ++d->last;
	old = map_put(d->latest, key, c);
	c->since = old == NULL ? c->number : old->since;
	d->n_waiting++;
	d->waiting_bytes += size_of(c);
	lock(d);
	if (old != NULL && !old->taken)
		drop_older(d, old);
	list_add(&d->todo, c);
	BUG(pthread_cond_signal(&d->more) != 0);
	unlock(d);
	if (change != NULL)
		*change = c->number;
	return ST_OK;
}

bool policy_disk_get(
	const struct policy_disk *d, struct str key, struct str *value)
{
	const struct change *c = map_get(d->latest, key);

	if (c == NULL)
		return false;
	*value = c->value;
	return true;
}

bool policy_disk_next(const struct policy_disk *d, size_t *at, struct str *key,
	struct str *value)
{
	void *c;

	if (!map_next(d->latest, at, key, &c))
		return false;
	*value = ((const struct change *)c)->value;
	return true;
}

/* The highest number up to which nothing waits. */
static uint64_t durable_now(const struct policy_disk *d)
{
	uint64_t first = d->last + 1;
	struct str key;
	void *value;
	size_t at = 0;

	while (map_next(d->latest, &at, &key, &value)) {
		const struct change *c = value;

		if (c->since < first)
			first = c->since;
	}
	return first - 1;
}

enum status policy_disk_settle(
	struct policy_disk *d, uint64_t *durable, struct err *e)
{
	struct list written;
	struct change *c;
	enum status st;
	uint64_t n;

	if (read(d->event, &n, sizeof(n)) < 0)
		BUG(errno != EAGAIN && errno != EINTR);
	lock(d);
	written = d->written;
	if (written.first == NULL)
		list_init(&written);
	list_init(&d->written);
	st = d->st;
	if (st != ST_OK && e != NULL)
		*e = d->err;
	unlock(d);
	while ((c = list_take(&written)) != NULL) {
		if (map_get(d->latest, c->key) == c)
			(void)map_take(d->latest, c->key);
		d->n_waiting--;
		d->waiting_bytes -= size_of(c);
		mem_free(c);
	}
	d->durable = durable_now(d);
	*durable = d->durable;
	return st;
}

void policy_disk_flush(struct policy_disk *d)
{
	unsigned passes;

	if (!d->started)
		return;
	lock(d);
	passes = d->passes;
	d->hurry = true;
	BUG(pthread_cond_signal(&d->more) != 0);
	while ((d->todo.first != NULL || d->busy) && d->passes == passes)
		BUG(pthread_cond_wait(&d->tried, &d->lock) != 0);
	unlock(d);
}

void policy_disk_stats(struct policy_disk *d, struct policy_disk_stats *out)
{
	*out = (struct policy_disk_stats){ .waiting = d->n_waiting,
		.waiting_bytes = d->waiting_bytes };
	lock(d);
	out->commits = d->commits;
	out->failures = d->failures;
	out->full = d->full || d->st == ST_LIMIT;
	unlock(d);
}
