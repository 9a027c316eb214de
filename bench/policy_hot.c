/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_hot: the sockets, answers, engine and cache of the role policy, in a
 * world where every domain has the same policy and nothing takes time: what is
 * measured is serving what is known. The CA bundle is there for its memory.
 *
 *     policy_hot PORT FOLDER HOT-KIB CA-FILE
 */
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/bug.h"
#include "base/mem.h"
#include "base/num.h"
#include "io/fd.h"
#include "outbound/policy_source.h"
#include "outbound/socketmap_server.h"

#include "base/poison.h"

#define TTL_S 86400
#define FILE_BYTES_MAX ((uint64_t)4 << 30)
#define POLICY                                                                 \
	"version: STSv1\nmode: enforce\nmx: mx1.example.com\n"                 \
	"mx: mx2.example.com\nmx: *.mail.example.net\nmax_age: 604800\n"

/* A question to the world, answered at the end of the turn. */
struct question {
	struct loop *loop;
	struct loop_task task;
	sts_record_fn *record;
	sts_fetch_fn *fetch;
	engine_dane_fn *dane;
	void *arg;
};

static void tell_record(struct question *q)
{
	static const struct sts_record_result r = {
		.outcome = STS_RECORD_VALID,
		.id = { "1", 1 },
		.text = { "v=STSv1; id=1", 13 },
		.n_texts = 1,
		.ttl_s = TTL_S,
	};

	q->record(q->arg, &r);
}

static void tell_policy(struct question *q)
{
	struct arena *a = arena_must(0);
	struct sts_fetch_result r = { .fetched = true, .text = STR(POLICY) };

	BUG(sts_policy_parse(a, r.text, &r.policy, NULL) != ST_OK);
	q->fetch(q->arg, &r);
	arena_free(&a);
}

static void tell_dane(struct question *q)
{
	static const struct dane_result r = { .state = DANE_ABSENT,
		.ttl_s = TTL_S };

	q->dane(q->arg, &r);
}

static void on_turn(void *ctx)
{
	struct question *q = ctx;

	loop_defer(q->loop, mem_free, q);
	if (q->record != NULL)
		tell_record(q);
	else if (q->fetch != NULL)
		tell_policy(q);
	else
		tell_dane(q);
}

static struct question *question_new(void *ctx, void *arg)
{
	struct question *q = mem_must(sizeof(*q));

	q->loop = ctx;
	q->arg = arg;
	loop_task_start(&q->task, q->loop, on_turn, q);
	return q;
}

static void *ask_record(
	void *ctx, struct str domain, sts_record_fn *fn, void *arg)
{
	struct question *q = question_new(ctx, arg);

	(void)domain;
	q->record = fn;
	return q;
}

static void *ask_fetch(
	void *ctx, struct str domain, sts_fetch_fn *fn, void *arg)
{
	struct question *q = question_new(ctx, arg);

	(void)domain;
	q->fetch = fn;
	return q;
}

static void *ask_dane(void *ctx, const struct policy_domain *domain,
	engine_dane_fn *fn, void *arg)
{
	struct question *q = question_new(ctx, arg);

	(void)domain;
	q->dane = fn;
	return q;
}

static void cancel(void *ctx, void *handle)
{
	struct question *q = handle;

	loop_task_stop(&q->task);
	loop_defer(ctx, mem_free, q);
}

/* What the role does too: a change drops what is at hand. */
static void on_changed(void *ctx, struct str domain)
{
	answers_drop(ctx, domain);
}

static struct engine *engine_make(
	struct loop *loop, const char *folder, struct answers *answers)
{
	struct policy_cache_options opt = POLICY_CACHE_DEFAULTS;
	struct engine_options o = ENGINE_DEFAULTS;
	static struct engine_world world;
	struct err e = {};
	char path[256];

	world = (struct engine_world){ loop, ask_record, ask_fetch, ask_dane,
		cancel, cancel, cancel };
	opt.max_bytes = FILE_BYTES_MAX;
	(void)snprintf(path, sizeof(path), "%s/cache", folder);
	if (policy_cache_open(path, &opt, &o.cache, &e) != ST_OK) {
		(void)fprintf(stderr, "policy_hot: %s\n", e.text);
		return NULL;
	}
	policy_cache_start(o.cache, &o.cache_fd);
	o.loop = loop;
	o.clock = clock_system();
	o.world = &world;
	o.hooks.ctx = answers;
	o.hooks.changed = on_changed;
	o.grace_s = TTL_S; /* longer than any run */
	return engine_new(&o);
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;

	BUG(fd < 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	BUG(bind(fd, (void *)&to, sizeof(to)) != 0);
	BUG(listen(fd, 1024) != 0);
	return fd;
}

static int serve(
	uint16_t port, const char *folder, uint32_t kib, const char *ca_file)
{
	static const struct engine_profile profiles[] = {
		{ { "sts", 3 }, { .kind = STS_PROFILE_STS } },
		{ { "sts-tlsrpt", 10 }, { .kind = STS_PROFILE_STS_TLSRPT } },
	};
	struct loop *loop = loop_new();
	struct answers *answers = answers_new((size_t)kib * 1024);
	struct engine *engine = engine_make(loop, folder, answers);
	struct https_client *https = NULL;
	struct policy_source *source;
	struct socketmap_server *server;
	struct err e = {};

	if (engine == NULL)
		return 1;
	if (https_client_new(loop,
		    &(struct https_client_options){ ca_file, "policy_hot" },
		    &https, &e) != ST_OK) {
		(void)fprintf(stderr, "policy_hot: %s\n", e.text);
		return 1;
	}
	source = policy_source_new(
		&(struct policy_source_options){ .loop = loop,
			.engine = engine,
			.profiles = profiles,
			.n_profiles = sizeof(profiles) / sizeof(*profiles) });
	server = socketmap_server_new(
		&(struct socketmap_server_options){ .loop = loop,
			.answers = answers,
			.source = policy_source_get(source),
			.max_connections = 1000 });
	socketmap_server_listen(server, listen_on(port));
	loop_run(loop);
	return 0;
}

int main(int argc, char **argv)
{
	uint32_t port, kib;

	if (argc != 5 ||
		num_u32(str_of(argv[1]), 1, UINT16_MAX, &port) != ST_OK ||
		num_u32(str_of(argv[3]), 64, 1u << 20, &kib) != ST_OK) {
		(void)fprintf(stderr, "usage: policy_hot PORT FOLDER HOT-KIB "
				      "CA-FILE\n");
		return 64;
	}
	return serve((uint16_t)port, argv[2], kib, argv[4]);
}
