/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/io/tmpdir.h"
#include "tests/testing.h"

#include "base/arena.h"
#include "base/bug.h"
#include "intake/dkim_keys.h"

#include "base/poison.h"

/* A resolver that answers from a table and counts; it replaces libunbound. */
static struct {
	unsigned asked, open;
	enum status st;
	const char *rdata;
	size_t n_rdata;
	int64_t takes_ms, patience_ms;
} world;
static int64_t now_ms = 1000;

enum status resolver_open(
	const struct resolver_options *o, struct resolver **out, struct err *e)
{
	(void)o;
	(void)e;
	world.open++;
	*out = (struct resolver *)&world;
	return ST_OK;
}

void resolver_close(struct resolver **r)
{
	*r = NULL;
}

enum status resolver_lookup(struct resolver *r, struct str name, uint16_t type,
	struct mono deadline, struct arena *a, struct resolver_answer *out,
	struct err *e)
{
	static struct str rdata[2];

	(void)r;
	(void)a;
	assert_int_equal(type, 16);
	assert_true(str_ends(name, STR("._domainkey.x.example")));
	world.asked++;
	world.patience_ms = deadline.ms - now_ms;
	now_ms += world.takes_ms < world.patience_ms ? world.takes_ms
						     : world.patience_ms;
	rdata[0] = STR("\x07unasked");
	rdata[1] = (struct str){ world.rdata, world.n_rdata };
	*out = (struct resolver_answer){
		.rdata = rdata, .n = world.rdata == NULL ? 0 : 2, .ttl = 5
	};
	return world.st == ST_OK ? ST_OK : err_set(e, world.st, "no answer");
}

static struct mono mono(void *ctx)
{
	(void)ctx;
	return (struct mono){ now_ms };
}

static const struct clock test_clock = { .mono = mono };
static const struct resolver_options options = {};
static const char two_strings[] = "\x0av=DKIM1; p\x05=AAAA";

static struct dkim_keys *keys(const char *archive)
{
	struct dkim_keys *k = NULL;
	struct err e = {};

	world.asked = 0;
	world.st = ST_OK;
	world.rdata = two_strings;
	world.n_rdata = sizeof(two_strings) - 1;
	world.takes_ms = 1;
	if (dkim_keys_open(&options, archive, &test_clock, &k, &e) != ST_OK)
		fail_msg("%s", e.text);
	return k;
}

static enum status find(struct dkim_keys *k, const char *want)
{
	struct arena *a = arena_must(0);
	struct str text = {};
	enum status st = dkim_keys_find(
		k, a, STR("SEL._domainkey.X.example"), &text);

	if (st == ST_OK)
		assert_str(text, want);
	arena_free(&a);
	return st;
}

static void strings_are_joined_and_kept(void **state)
{
	struct dkim_keys *k = keys(NULL);

	(void)state;
	assert_int_equal(find(k, "v=DKIM1; p=AAAA"), ST_OK);
	world.rdata = NULL;
	assert_int_equal(find(k, "v=DKIM1; p=AAAA"), ST_OK);
	assert_int_equal(world.asked, 1);
	now_ms += 61000;
	assert_int_equal(find(k, NULL), ST_NOTFOUND);
	assert_int_equal(find(k, NULL), ST_NOTFOUND);
	assert_int_equal(world.asked, 2);
	now_ms += 301000;
	world.st = ST_TEMP;
	assert_int_equal(find(k, NULL), ST_TEMP);
	dkim_keys_close(&k);
}

/* A zone whose servers say nothing costs the others little. */
static void slow_ones_shorten_the_patience(void **state)
{
	struct dkim_keys *k = keys("");
	int64_t begun = now_ms;

	(void)state;
	world.st = ST_TEMP;
	world.takes_ms = 1000000;
	for (unsigned i = 0; i < 100; i++) {
		struct arena *a = arena_must(0);
		struct str text,
			name = arena_fmt(a, "s%u._domainkey.x.example", i);

		assert_int_equal(dkim_keys_find(k, a, name, &text), ST_TEMP);
		/* A failure is remembered. */
		assert_int_equal(dkim_keys_find(k, a, name, &text), ST_TEMP);
		assert_int_equal(world.asked, i + 1);
		arena_free(&a);
	}
	assert_int_equal(world.patience_ms, DKIM_KEYS_PATIENCE_MIN_MS);
	assert_true(now_ms - begun < 2 * DKIM_KEYS_ALLOWANCE_MS +
					     100 * DKIM_KEYS_PATIENCE_MIN_MS);
	/* Time heals. */
	now_ms += 4 * DKIM_KEYS_PATIENCE_MAX_MS;
	assert_int_equal(find(k, NULL), ST_TEMP);
	assert_int_equal(world.patience_ms, DKIM_KEYS_PATIENCE_MAX_MS);
	dkim_keys_close(&k);
}

static void an_archive_comes_first(void **state)
{
	char dir[] = "/tmp/moat-keys-XXXXXX", path[64];
	struct dkim_keys *k = NULL;
	struct err e = {};
	FILE *f;

	(void)state;
	tmpdir_make(dir);
	(void)snprintf(path, sizeof(path), "%s/keys", dir);
	f = fopen(path, "we");
	BUG(f == NULL);
	(void)fputs(
		"# kept\n\nSel._domainkey.X.example. \t v=DKIM1; p=BBBB\r\n",
		f);
	(void)fclose(f);
	k = keys(path);
	assert_int_equal(find(k, "v=DKIM1; p=BBBB"), ST_OK);
	assert_int_equal(world.asked, 0);
	dkim_keys_close(&k);
	f = fopen(path, "ae");
	BUG(f == NULL);
	(void)fputs("alone\n", f);
	(void)fclose(f);
	assert_int_equal(dkim_keys_open(&options, path, &test_clock, &k, &e),
		ST_INVALID);
	assert_non_null(strstr(e.text, "a line is no NAME and KEY"));
	tmpdir_remove(dir);
	assert_int_equal(
		dkim_keys_open(&options, path, &test_clock, &k, &e), ST_PERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_are_joined_and_kept),
		cmocka_unit_test(slow_ones_shorten_the_patience),
		cmocka_unit_test(an_archive_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
