/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/intake/digest_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/poison.h"

static struct mono place_mono(void *ctx)
{
	return (struct mono){ ((struct place *)ctx)->now * 1000 };
}

static struct unix_time place_now(void *ctx)
{
	return (struct unix_time){ ((struct place *)ctx)->now };
}

void ok_at(struct place *p, enum status st, int line)
{
	if (st != ST_OK)
		fail_msg("line %d: %s", line, p->e.text);
}

const char *path_in(struct place *p, const char *name)
{
	return arena_fmt(p->a, "%s/%s", p->dir, name).p;
}

static void count(void *ctx, struct str line)
{
	struct place *p = ctx;

	p->put_off += memmem(line.p, line.n, "report.put_off", 14) != NULL;
}

/* All domains have the same key. */
static enum status find_key(
	void *ctx, struct arena *a, struct str name, struct str *text)
{
	struct place *p = ctx;

	assert_true(str_starts(name, STR("sel._domainkey.")));
	p->keys_asked++;
	*text = arena_str(a, str_of(p->signer.key));
	return p->key_st;
}

int place_setup(void **state)
{
	struct digest_reader_options options = { .time_ms = 20000,
		.key = find_key };
	struct spool_limits limits = SPOOL_LIMITS_DEFAULT;
	struct place *p = calloc(1, sizeof(*p));
	struct store_domain domain = { .tenant = STORE_TENANT_DEFAULT,
		.name = STR("y.example"),
		.label = STR(LABEL),
		.token = STR("t"),
		.created = 1 };

	log_set_sink(count, p);
	p->now = 2000;
	p->clock = (struct clock){ place_mono, place_now, p };
	p->d.clock = &p->clock;
	p->d.later = digest_later_new();
	(void)snprintf(p->dir, sizeof(p->dir), "/tmp/moat-digest-XXXXXX");
	BUG(mkdtemp(p->dir) == NULL);
	p->a = arena_must(0);
	OK(store_open(path_in(p, "moat.db"), &p->d.store, &p->e));
	OK(spool_open(path_in(p, "spool"), &limits, &p->d.spool, &p->e));
	OK(store_domain_add(p->d.store, &domain, &p->e));
	options.key_ctx = p;
	p->d.reader = digest_reader_new(&options);
	*state = p;
	return 0;
}

int place_teardown(void **state)
{
	struct place *p = *state;
	const char *command = arena_fmt(p->a, "rm -r %s", p->dir).p;

	digest_later_free(&p->d.later);
	digest_reader_free(&p->d.reader);
	spool_close(&p->d.spool);
	store_close(&p->d.store);
	BUG(system(command) != 0);
	arena_free(&p->a);
	free(p);
	log_set_sink(NULL, NULL);
	return 0;
}

void put(struct place *p, enum spool_source source, const char *id,
	struct str body)
{
	struct spool_meta meta = { .source = source,
		.id = str_of(id),
		.received = { 1000 },
		.remote = STR("192.0.2.1") };

	OK(spool_put(p->d.spool, &meta, body, NULL, NULL, &p->e));
}

size_t run(struct place *p)
{
	size_t done = 0;

	OK(digest_run(&p->d, 100, &done, &p->e));
	return done;
}

size_t files(struct place *p, enum spool_folder folder)
{
	struct spool_names names = {};

	OK(spool_list(p->d.spool, folder, 100, p->a, &names, &p->e));
	return names.n;
}

struct store_report *reports_in(
	struct place *p, enum store_report_state state, size_t want)
{
	struct store_report_filter all = {
		.tenant = STORE_TENANT_DEFAULT, .limit = 100, .state = state
	};
	struct store_report *rows;
	size_t n;

	OK(store_report_list(p->d.store, p->a, &all, true, &rows, &n, &p->e));
	assert_int_equal(n, want);
	return rows;
}

struct store_report *reports(struct place *p, size_t want)
{
	return reports_in(p, STORE_REPORT_ACCEPTED, want);
}
struct str only_file(struct place *p, enum spool_folder folder)
{
	struct spool_names names = {};

	OK(spool_list(p->d.spool, folder, 100, p->a, &names, &p->e));
	assert_int_equal(names.n, 1);
	return names.items[0];
}

void a_domain(struct place *p, const char *name, const char *label)
{
	struct store_domain domain = { .tenant = STORE_TENANT_DEFAULT,
		.name = str_of(name),
		.label = str_of(label),
		.token = STR("t"),
		.created = 1 };

	OK(store_domain_add(p->d.store, &domain, &p->e));
}
