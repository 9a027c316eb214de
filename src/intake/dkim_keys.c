/* SPDX-License-Identifier: Apache-2.0 */
/* dkim_keys: a file, a cache, and the resolver behind both. */
#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "intake/dkim.h"
#include "intake/dkim_keys.h"

#include "base/poison.h"

#define TYPE_TXT 16
#define TEXT_MAX 4096u
#define FOUND_MIN_S 60
#define FOUND_MAX_S 3600
#define ABSENT_S 300
#define FAILED_S 30
#define QUICK_MS 50 /* a look-up that took no longer costs nothing */

struct entry {
	enum status st;
	int64_t until_ms;
	struct str text; /* behind the struct */
};

struct dkim_keys {
	struct resolver_options options;
	const struct clock *clock;
	struct resolver *resolver; /* NULL: not needed so far */
	struct arena *arena;	   /* of the archive */
	struct map *archive;	   /* name -> struct str in arena */
	struct map *cache;	   /* name -> struct entry */
	int64_t allowance_ms;
	struct mono refilled;
};

/* ---- the archive ---- */

/* As names are asked for: in lower case, with no dot at the end. */
static struct str lower_of(struct arena *a, struct str name)
{
	char *p = arena_alloc(a, name.n + 1);

	if (p == NULL)
		return (struct str){};
	str_lower(p, name);
	if (name.n > 0 && p[name.n - 1] == '.')
		name.n--;
	return (struct str){ p, name.n };
}

static enum status add_line(struct dkim_keys *k, struct str line, struct err *e)
{
	struct str rest = str_trim(line), name = rest, *text;
	size_t n = 0;

	if (str_ends(rest, STR("\r")))
		rest.n--;
	if (rest.n == 0 || rest.p[0] == '#')
		return ST_OK;
	while (n < rest.n && rest.p[n] != ' ' && rest.p[n] != '\t')
		n++;
	name = lower_of(k->arena, str_upto(rest, n));
	rest = str_trim(str_from(rest, n));
	if (rest.n == 0 || rest.n > TEXT_MAX)
		return err_set(e, ST_INVALID, "a line is no NAME and KEY");
	text = arena_alloc(k->arena, sizeof(*text));
	if (text == NULL || name.p == NULL)
		return err_set(e, ST_LIMIT, "no memory for keys");
	*text = arena_str(k->arena, rest);
	(void)map_put(k->archive, name, text);
	return ST_OK;
}

static enum status read_archive(
	struct dkim_keys *k, const char *path, struct err *e)
{
	struct arena *a = arena_must(0);
	char *p = arena_alloc(a, DKIM_KEYS_FILE_BYTES_MAX);
	FILE *f = fopen(path, "re");
	struct str rest = { p, 0 };
	enum status st = ST_OK;

	if (f == NULL || p == NULL) {
		st = err_sys(e, ST_PERM, errno, "report.dkim_keys: %s", path);
		goto out;
	}
	rest.n = fread(p, 1, DKIM_KEYS_FILE_BYTES_MAX, f);
	if (ferror(f) || !feof(f)) {
		st = err_set(e, ST_PERM, "report.dkim_keys: %s cannot be read",
			path);
		goto out;
	}
	while (st == ST_OK && rest.p != NULL)
		st = add_line(k, str_cut(&rest, '\n'), e);
	if (st != ST_OK)
		err_prefix(e, "report.dkim_keys: %s", path);
out:
	if (f != NULL)
		(void)fclose(f);
	arena_free(&a);
	return st;
}

/* ---- the cache ---- */

static void cache_clear(struct dkim_keys *k)
{
	struct str name;
	size_t at = 0;
	void *value;

	while (map_next(k->cache, &at, &name, &value))
		mem_free(value);
	map_free(&k->cache);
	k->cache = map_new();
}

static void cache_put(struct dkim_keys *k, struct str name, enum status st,
	struct str text, int64_t for_s)
{
	struct entry *entry;
	char *p;

	if (map_count(k->cache) >= DKIM_KEYS_CACHED_MAX)
		cache_clear(k);
	entry = mem_must(sizeof(*entry) + text.n);
	p = (char *)(entry + 1);
	for (size_t i = 0; i < text.n; i++)
		p[i] = text.p[i];
	*entry = (struct entry){ st, clock_mono(k->clock).ms + for_s * 1000,
		{ p, text.n } };
	mem_free(map_put(k->cache, name, entry));
}

static bool cache_find(struct dkim_keys *k, struct arena *a, struct str name,
	enum status *st, struct str *text)
{
	const struct entry *entry = map_get(k->cache, name);

	if (entry == NULL || entry->until_ms <= clock_mono(k->clock).ms)
		return false;
	*st = entry->st;
	if (entry->st == ST_OK)
		*text = arena_str(a, entry->text);
	return true;
}

/* ---- the DNS ---- */

/* The strings of a TXT record, joined (RFC 6376 section 3.6.2.2). */
static struct str join(struct arena *a, struct str rdata)
{
	struct sbuf b = sbuf_arena(a, TEXT_MAX);

	while (rdata.n > 0) {
		size_t n = (unsigned char)rdata.p[0];

		sbuf_add(&b, str_upto(str_from(rdata, 1), n));
		rdata = str_from(rdata, n + 1);
	}
	return sbuf_ok(&b) ? sbuf_str(&b) : (struct str){};
}

static bool has_key(struct str text)
{
	while (text.p != NULL)
		if (str_starts(str_trim(str_cut(&text, ';')), STR("p=")))
			return true;
	return false;
}

/* Names may have other records too; the first with a key is it. */
static enum status pick(
	struct arena *a, const struct resolver_answer *answer, struct str *text)
{
	for (size_t i = 0; i < answer->n; i++) {
		*text = join(a, answer->rdata[i]);
		if (has_key(*text))
			return ST_OK;
	}
	return ST_NOTFOUND;
}

static int64_t patience(struct dkim_keys *k)
{
	struct mono now = clock_mono(k->clock);
	int64_t ms;

	k->allowance_ms += (now.ms - k->refilled.ms) / 4;
	k->refilled = now;
	if (k->allowance_ms > DKIM_KEYS_ALLOWANCE_MS)
		k->allowance_ms = DKIM_KEYS_ALLOWANCE_MS;
	ms = k->allowance_ms;
	if (ms < DKIM_KEYS_PATIENCE_MIN_MS)
		return DKIM_KEYS_PATIENCE_MIN_MS;
	return ms < DKIM_KEYS_PATIENCE_MAX_MS ? ms : DKIM_KEYS_PATIENCE_MAX_MS;
}

static enum status ask(struct dkim_keys *k, struct arena *a, struct str name,
	struct resolver_answer *answer, struct err *e)
{
	struct mono begun = clock_mono(k->clock), deadline = begun;
	enum status st = ST_OK;
	int64_t took;

	deadline.ms += patience(k);
	if (k->resolver == NULL)
		st = resolver_open(&k->options, &k->resolver, e);
	if (st == ST_OK)
		st = resolver_lookup(
			k->resolver, name, TYPE_TXT, deadline, a, answer, e);
	took = clock_mono(k->clock).ms - begun.ms;
	if (took > QUICK_MS)
		k->allowance_ms -= took < k->allowance_ms ? took
							  : k->allowance_ms;
	return st;
}

static enum status look_up(
	struct dkim_keys *k, struct arena *a, struct str name, struct str *text)
{
	struct resolver_answer answer = {};
	int64_t for_s = FAILED_S;
	struct err e = {};
	enum status st = ask(k, a, name, &answer, &e);

	if (st == ST_OK && answer.security == RESOLVER_BOGUS)
		st = err_set(
			&e, ST_TEMP, "DNSSEC: %.*s", STR_ARG(answer.why_bogus));
	if (st == ST_OK) {
		st = pick(a, &answer, text);
		for_s = st == ST_OK ? (int64_t)answer.ttl : ABSENT_S;
		for_s = for_s < FOUND_MIN_S ? FOUND_MIN_S : for_s;
		for_s = for_s > FOUND_MAX_S ? FOUND_MAX_S : for_s;
	} else {
		LOG(LOG_INFO, "dkim.no_key", KV_STR("name", name),
			KV_Z("reason", e.text));
		st = st == ST_INVALID ? ST_NOTFOUND : ST_TEMP;
	}
	cache_put(k, name, st, st == ST_OK ? *text : (struct str){}, for_s);
	return st;
}

/* ---- exported ---- */

enum status dkim_keys_open(const struct resolver_options *options,
	const char *archive, const struct clock *clock, struct dkim_keys **out,
	struct err *e)
{
	struct dkim_keys *k = mem_must(sizeof(*k));
	enum status st = ST_OK;

	k->options = *options;
	k->clock = clock;
	k->arena = arena_must(0);
	k->archive = map_new();
	k->cache = map_new();
	k->allowance_ms = DKIM_KEYS_ALLOWANCE_MS;
	k->refilled = clock_mono(clock);
	if (archive != NULL && archive[0] != '\0')
		st = read_archive(k, archive, e);
	if (st == ST_OK) {
		*out = k;
		k = NULL;
	}
	dkim_keys_close(&k);
	return st;
}

void dkim_keys_close(struct dkim_keys **k)
{
	if (*k == NULL)
		return;
	cache_clear(*k);
	map_free(&(*k)->cache);
	map_free(&(*k)->archive);
	resolver_close(&(*k)->resolver);
	arena_free(&(*k)->arena);
	mem_free(*k);
	*k = NULL;
}

enum status dkim_keys_find(
	void *ctx, struct arena *a, struct str name, struct str *text)
{
	struct dkim_keys *k = ctx;
	struct str lower = lower_of(a, name);
	const struct str *kept;
	enum status st;

	if (lower.p == NULL)
		return ST_LIMIT;
	kept = map_get(k->archive, lower);
	if (kept != NULL) {
		*text = *kept;
		return ST_OK;
	}
	if (cache_find(k, a, lower, &st, text))
		return st;
	return look_up(k, a, lower, text);
}
