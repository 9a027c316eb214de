/* SPDX-License-Identifier: Apache-2.0 */
/* cert_pool: a small queue and its threads. */
#include <pthread.h>
#include <string.h>

#include "hosting/cert_pool.h"

#include "base/bug.h"
#include "base/log.h"
#include "base/mem.h"
#include "hosting/acme_order.h"
#include "hosting/cert_env.h"
#include "hosting/cert_renew.h"
#include "hosting/cert_source.h"

#include "base/poison.h"

#define JOBS_MAX 256u
#define ID_CAP 64u
#define RENEW_AT_ONCE 100

struct job {
	char id[ID_CAP];
	size_t n;
	enum { JOB_FREE, JOB_WAITING, JOB_RUNNING } state;
};

struct worker {
	struct cert_pool *pool;
	struct cert_env *env;
	pthread_t thread;
};

struct cert_pool {
	pthread_mutex_t lock;
	pthread_cond_t more;
	bool stopping;
	struct job jobs[JOBS_MAX];
	size_t next; /* where the search for a waiting job begins: fair */
	struct worker *workers;
	size_t n;
};

static struct str job_id(const struct job *j)
{
	return (struct str){ j->id, j->n };
}

/* A waiting job, marked as running; NULL: the pool stops. */
static struct job *take(struct cert_pool *p)
{
	struct job *j, *found = NULL;

	(void)pthread_mutex_lock(&p->lock);
	while (found == NULL && !p->stopping) {
		for (size_t i = 0; found == NULL && i < JOBS_MAX; i++) {
			j = &p->jobs[(p->next + i) % JOBS_MAX];
			if (j->state == JOB_WAITING)
				found = j;
		}
		if (found == NULL)
			(void)pthread_cond_wait(&p->more, &p->lock);
	}
	if (p->stopping)
		found = NULL;
	if (found != NULL) {
		found->state = JOB_RUNNING;
		p->next = (size_t)(found - p->jobs) + 1;
	}
	(void)pthread_mutex_unlock(&p->lock);
	return found;
}

static void done(struct cert_pool *p, struct job *j)
{
	(void)pthread_mutex_lock(&p->lock);
	j->state = JOB_FREE;
	(void)pthread_mutex_unlock(&p->lock);
}

static enum status do_job(struct cert_env *env, struct str id, struct err *e)
{
	size_t n = 0;

	if (id.n == 0)
		return cert_renew_due(env, RENEW_AT_ONCE, &n, e);
	if (env->config->source == CERT_SOURCE_ACME)
		return acme_order_work(env, id, e);
	return cert_source_work(env, id, e);
}

static void *run(void *ctx)
{
	struct worker *w = ctx;
	struct job *j;

	while ((j = take(w->pool)) != NULL) {
		struct err e = {};
		enum status st = do_job(w->env, job_id(j), &e);

		if (st != ST_OK && st != ST_NOTFOUND)
			LOG(LOG_ERROR, "cert.work_failed",
				KV_STR("order", job_id(j)),
				KV_Z("status", status_name(st)),
				KV_Z("reason", e.text));
		done(w->pool, j);
	}
	return NULL;
}

struct cert_pool *cert_pool_start(struct cert_env *envs, size_t n)
{
	struct cert_pool *p = mem_must(sizeof(*p));

	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_cond_init(&p->more, NULL);
	p->workers = mem_must(n * sizeof(*p->workers));
	p->n = n;
	for (size_t i = 0; i < n; i++) {
		p->workers[i].pool = p;
		p->workers[i].env = &envs[i];
		BUG(pthread_create(&p->workers[i].thread, NULL, run,
			    &p->workers[i]) != 0);
	}
	return p;
}

void cert_pool_ask(struct cert_pool *p, struct str order_id)
{
	struct job *slot = NULL;
	bool known = false;

	if (order_id.n > ID_CAP)
		return;
	(void)pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < JOBS_MAX; i++) {
		struct job *j = &p->jobs[i];

		if (j->state == JOB_FREE)
			slot = slot == NULL ? j : slot;
		else if (str_eq(job_id(j), order_id))
			known = true;
	}
	if (!known && slot != NULL) {
		if (order_id.n > 0)
			memcpy(slot->id, order_id.p, order_id.n);
		slot->n = order_id.n;
		slot->state = JOB_WAITING;
		(void)pthread_cond_signal(&p->more);
	}
	(void)pthread_mutex_unlock(&p->lock);
}

void cert_pool_stop(struct cert_pool **pp)
{
	struct cert_pool *p = *pp;

	if (p == NULL)
		return;
	(void)pthread_mutex_lock(&p->lock);
	p->stopping = true;
	(void)pthread_cond_broadcast(&p->more);
	(void)pthread_mutex_unlock(&p->lock);
	for (size_t i = 0; i < p->n; i++)
		(void)pthread_join(p->workers[i].thread, NULL);
	(void)pthread_cond_destroy(&p->more);
	(void)pthread_mutex_destroy(&p->lock);
	mem_free(p->workers);
	mem_free(p);
	*pp = NULL;
}
