/* SPDX-License-Identifier: Apache-2.0 */
/* digest_known: a map from questions to answers, that there is no row too. */
#include "base/bug.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/sbuf.h"
#include "intake/digest_known.h"

#include "base/poison.h"

/* Strangers' reports name domains: beyond this each is asked for again. */
#define ANSWERS_MAX 10000u
#define KEY_MAX 1024u /* of a name, a tenant and what stands around them */

enum question { DOMAIN, LABEL, CLAIMS, RULE };

struct answer {
	enum status st; /* ST_OK or ST_NOTFOUND */
	struct store_domain *rows;
	size_t n;
	struct store_report_rule rule;
};

struct digest_known {
	struct store *store;
	struct arena *arena;
	struct map *answers;
};

struct digest_known *digest_known_new(struct store *s)
{
	struct digest_known *k = mem_must(sizeof(*k));

	k->store = s;
	k->arena = arena_must(0);
	k->answers = map_new();
	return k;
}

void digest_known_free(struct digest_known **k)
{
	if (*k == NULL)
		return;
	map_free(&(*k)->answers);
	arena_free(&(*k)->arena);
	mem_free(*k);
	*k = NULL;
}

static enum status read_row(struct digest_known *k, enum question q,
	struct str tenant, struct str name, struct answer *out, struct err *e)
{
	out->rows = arena_alloc(k->arena, sizeof(*out->rows));
	BUG(out->rows == NULL);
	out->n = 1;
	if (q == LABEL)
		return store_domain_by_label(
			k->store, k->arena, name, out->rows, e);
	return store_domain_get(k->store, k->arena, tenant, name, out->rows, e);
}

static enum status read_answer(struct digest_known *k, enum question q,
	struct str tenant, struct str name, struct answer *out, struct err *e)
{
	switch (q) {
	case DOMAIN:
	case LABEL:
		return read_row(k, q, tenant, name, out, e);
	case CLAIMS:
		return store_domain_claims(
			k->store, k->arena, name, &out->rows, &out->n, e);
	case RULE:
		return store_report_rule_get(k->store, tenant, &out->rule, e);
	}
	BUG(true);
}

static enum status ask(struct digest_known *k, enum question q,
	struct str tenant, struct str name, struct answer **out, struct err *e)
{
	char room[KEY_MAX];
	struct sbuf key = sbuf_fixed(room, sizeof(room));
	struct answer *answer;

	sbuf_addc(&key, (char)('0' + q));
	sbuf_add(&key, tenant);
	sbuf_addc(&key, ' ');
	sbuf_add(&key, name);
	answer = sbuf_ok(&key) ? map_get(k->answers, sbuf_str(&key)) : NULL;
	if (answer == NULL) {
		answer = arena_alloc(k->arena, sizeof(*answer));
		BUG(answer == NULL);
		answer->st = read_answer(k, q, tenant, name, answer, e);
		if (answer->st != ST_OK && answer->st != ST_NOTFOUND)
			return answer->st;
		if (sbuf_ok(&key) && map_count(k->answers) < ANSWERS_MAX)
			(void)map_put(k->answers, sbuf_str(&key), answer);
	}
	if (answer->st != ST_OK)
		return err_set(e, answer->st, "no such %s",
			q == RULE ? "tenant" : "domain");
	*out = answer;
	return ST_OK;
}

enum status digest_known_domain(struct digest_known *k, struct str tenant,
	struct str name, const struct store_domain **out, struct err *e)
{
	struct answer *answer;
	enum status st = ask(k, DOMAIN, tenant, name, &answer, e);

	if (st == ST_OK)
		*out = answer->rows;
	return st;
}

enum status digest_known_domain_by_label(struct digest_known *k,
	struct str label, const struct store_domain **out, struct err *e)
{
	struct answer *answer;
	enum status st = ask(k, LABEL, STR(""), label, &answer, e);

	if (st == ST_OK)
		*out = answer->rows;
	return st;
}

enum status digest_known_claims(struct digest_known *k, struct str name,
	const struct store_domain **out, size_t *n, struct err *e)
{
	struct answer *answer;
	enum status st = ask(k, CLAIMS, STR(""), name, &answer, e);

	if (st == ST_OK) {
		*out = answer->rows;
		*n = answer->n;
	}
	return st;
}

enum status digest_known_rule(struct digest_known *k, struct str tenant,
	struct store_report_rule *out, struct err *e)
{
	struct answer *answer;
	enum status st = ask(k, RULE, tenant, STR(""), &answer, e);

	if (st == ST_OK)
		*out = answer->rule;
	return st;
}
