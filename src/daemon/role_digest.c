/* SPDX-License-Identifier: Apache-2.0 */
/* role_digest: reports from the spool into the database; see intake/digest. */
#include "api/settings.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/resolver_settings.h"
#include "daemon/role.h"
#include "daemon/roles.h"
#include "intake/digest.h"
#include "intake/dkim_keys.h"
#include "intake/raw_keep.h"

#include "base/poison.h"

#define PROGRAM "/proc/self/exe"
#define BATCH 1000	/* files between two looks at whether to stop */
#define IDLE_MS 250	/* between two looks into an empty spool */
#define TROUBLE_MS 5000 /* after the database or the disk failed */

struct state {
	struct arena *arena; /* of the resolver's options */
	struct digest digest;
	struct dkim_keys *keys;
	struct raw_keep *keep;
};

static void digest_close(void **statep)
{
	struct state *s = *statep;
	struct digest *d;

	if (s == NULL)
		return;
	d = &s->digest;
	raw_keep_free(&s->keep);
	digest_later_free(&d->later);
	digest_budget_free(&d->budget);
	digest_reader_free(&d->reader);
	dkim_keys_close(&s->keys);
	spool_close(&d->spool);
	store_close(&d->store);
	arena_free(&s->arena);
	mem_free(s);
	*statep = NULL;
}

/* The child has no other way to a key than through us. */
static enum status open_reader(
	struct role_env *env, struct state *s, struct err *e)
{
	struct digest_reader_options options = {
		.program = PROGRAM,
		.time_ms = 20000,
		.key = dkim_keys_find,
	};
	struct resolver_options resolver = resolver_settings_read(
		env, s->arena);
	enum status st;

	st = dkim_keys_open(&resolver,
		settings_str(env->settings, "report.dkim_keys").p,
		clock_system(), &s->keys, e);
	if (st != ST_OK)
		return st;
	options.key_ctx = s->keys;
	s->digest.reader = digest_reader_new(&options);
	return ST_OK;
}

static enum status digest_open(
	struct role_env *env, void **statep, struct err *e)
{
	struct state *s = mem_must(sizeof(*s));
	struct digest *d = &s->digest;
	struct raw_keep_options keep = {
		.keep_s = settings_int(env->settings, "report.keep"),
		.clock = clock_system(),
	};
	/* What was taken in is read, whatever the settings say by now. */
	struct spool_limits limits = {
		.max_file_bytes = INT64_MAX,
		.max_bytes = INT64_MAX,
		.max_files = INT64_MAX,
	};
	enum status st;

	*statep = s;
	s->arena = arena_must(0);
	d->clock = clock_system();
	d->later = digest_later_new();
	d->budget = digest_budget_new();
	st = store_open(
		settings_state_path(env->settings, s->arena, SETTINGS_DATABASE)
			.p,
		&d->store, e);
	if (st == ST_OK)
		st = spool_open(settings_state_path(
					env->settings, s->arena, SETTINGS_SPOOL)
					.p,
			&limits, &d->spool, e);
	if (st == ST_OK)
		st = open_reader(env, s, e);
	keep.store = d->store;
	keep.spool = d->spool;
	s->keep = raw_keep_new(&keep);
	return st;
}

static enum status digest_start(
	struct role_env *env, void *state, struct err *e)
{
	struct state *s = state;
	struct err why = {};
	int wait_ms = 0;
	size_t done;
	bool more;

	(void)e;
	while (!role_wait(env, wait_ms)) {
		wait_ms = 0;
		if (digest_run(&s->digest, BATCH, &done, &why) != ST_OK ||
			raw_keep_step(s->keep, &more, &why) != ST_OK) {
			LOG(LOG_ERROR, "digest.held_up",
				KV_Z("reason", why.text));
			wait_ms = TROUBLE_MS;
		} else if (done == 0 && !more) {
			digest_reader_rest(s->digest.reader);
			wait_ms = IDLE_MS;
		}
	}
	return ST_OK;
}

const struct role role_digest = {
	.name = "digest",
	/* NET_IN: to talk over the socket pair it shares with its child;
	 * NET_OUT: the DNS. */
	.sandbox = SANDBOX_READ | SANDBOX_WRITE | SANDBOX_FORK |
		   SANDBOX_NET_IN | SANDBOX_NET_OUT,
	.open = digest_open,
	.start = digest_start,
	.close = digest_close,
};
