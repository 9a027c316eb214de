/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dkim: a line with the text of a key, then a mail. Every signature is told
 * with a domain that can be stored, and with a reason unless it passes; and
 * none passes that was not there or has no key.
 */
#include <stdint.h>

#include "base/bug.h"
#include "intake/dkim.h"
#include "proto/tlsrpt_text.h"

#include "base/poison.h"

#define AT 1700000000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct key {
	struct str text;
	bool absent;
};

static enum status find_key(
	void *ctx, struct arena *a, struct str name, struct str *text)
{
	const struct key *key = ctx;

	(void)a;
	BUG(name.n == 0);
	if (key->absent)
		return ST_NOTFOUND;
	*text = key->text;
	return ST_OK;
}

static void look_at(const struct dkim_signature *s)
{
	BUG(s->result == DKIM_RESULT_NONE);
	BUG(s->domain.n > 0 && !tlsrpt_is_domain(s->domain));
	for (size_t i = 0; i < s->domain.n; i++)
		BUG(s->domain.p[i] != chr_lower(s->domain.p[i]));
	BUG((s->result == DKIM_RESULT_PASS) != (s->reason.n == 0));
}

static void check(struct str mail, struct key *key)
{
	struct arena *a = arena_must(0);
	struct dkim_signatures found = {};
	struct err e = {};

	if (dkim_mail_check(a, mail, AT, find_key, key, &found, &e) == ST_OK) {
		BUG(found.n > DKIM_SIGNATURES_MAX);
		for (size_t i = 0; i < found.n; i++) {
			look_at(&found.items[i]);
			BUG(key->absent &&
				found.items[i].result == DKIM_RESULT_PASS);
		}
	} else {
		BUG(found.n > 0 || e.text[0] == '\0');
	}
	arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str mail = { (const char *)data, size };
	struct key key = { .text = str_cut(&mail, '\n') };

	check(mail, &key);
	key.absent = true;
	check(mail, &key);
	return 0;
}
