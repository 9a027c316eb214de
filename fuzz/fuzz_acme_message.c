/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acme_message: whatever a CA answers is one of its objects or refused with a
 * text. The first byte chooses which object is expected; a PEM chain too.
 */
#include <stdint.h>

#include "base/bug.h"
#include "hosting/acme_message.h"
#include "io/pki.h"

#include "base/poison.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_order(struct arena *a, struct str text, struct err *e)
{
	struct acme_order_info o;

	if (acme_order_parse(a, text, &o, e) != ST_OK)
		return;
	BUG(o.finalize.n == 0 || o.n_authz > ACME_AUTHZ_MAX);
	BUG(o.state == ACME_VALID && o.certificate.n == 0);
}

static void read_authz(struct arena *a, struct str text, struct err *e)
{
	struct acme_authz_info z;

	if (acme_authz_parse(a, text, &z, e) != ST_OK)
		return;
	BUG(z.n_challenges > ACME_CHALLENGE_MAX);
	for (size_t i = 0; i < z.n_challenges; i++)
		BUG(z.challenges[i].url.n == 0);
}

static void read_renewal(struct arena *a, struct str text, struct err *e)
{
	struct acme_renewal_info r;

	if (acme_renewal_parse(a, text, &r, e) == ST_OK)
		BUG(r.end.s <= r.start.s);
}

static void read_chain(struct arena *a, struct str text, struct err *e)
{
	struct pki_cert *cert = NULL;
	struct pki_facts facts;
	struct str *ders;
	size_t n;

	if (pki_chain_read_pem(a, text, &ders, &n, e) != ST_OK)
		return;
	BUG(n == 0 || n > PKI_CHAIN_MAX);
	if (pki_cert_parse(ders[0], &cert, e) == ST_OK)
		(void)!pki_cert_facts(cert, a, &facts, e);
	pki_cert_free(&cert);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_must((size_t)8 << 20);
	struct str text = { (const char *)data, size }, word;
	struct acme_directory d;
	struct acme_problem p;
	struct err e = {};
	char kind = size == 0 ? 0 : text.p[0];

	text = str_from(text, 1);
	switch (kind) {
	case 'd':
		(void)!acme_directory_parse(a, text, &d, &e);
		break;
	case 'o':
		read_order(a, text, &e);
		break;
	case 'z':
		read_authz(a, text, &e);
		break;
	case 'r':
		read_renewal(a, text, &e);
		break;
	case 'a':
		(void)!acme_account_parse(a, text, &word, &e);
		break;
	case 'c':
		read_chain(a, text, &e);
		break;
	case 't':
		BUG(acme_retry_after(text, (struct unix_time){ 0 }, 5, 1, 9) >
			9);
		break;
	default:
		acme_problem_parse(a, 400, text, &p);
		BUG(p.detail.n > ACME_TEXT_MAX + 100);
	}
	arena_free(&a);
	return 0;
}
