/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edge_state: a state folder for the edge alone, as the keeper would have left
 * it, so that its tests need no other role.
 *
 *     edge_state STATE-DIR CA.pem
 *
 * Hosts mta-sts.a.example and mta-sts.b.example (policies), rua.example
 * (reports for abcdefgh23456777), console.example, each with a certificate of
 * CA.pem; mta-sts.a.example also answers the challenge tok-1 both ways, and
 * mta-sts.new.example has no certificate yet.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/bug.h"
#include "base/mem.h"
#include "io/crypto.h"
#include "io/pki.h"
#include "view/view_writer.h"

#include "base/poison.h"

#define POLICY(mx)                                                             \
	"version: STSv1\r\nmode: testing\r\nmx: " mx "\r\nmax_age: 86400\r\n"

struct state {
	struct arena *arena;
	struct crypto_key *seal;
	struct pki_key *ca_key;
	struct pki_cert *ca;
	struct view_writer *view;
	struct unix_time from, to;
};

static void must(enum status st, const struct err *e)
{
	if (st == ST_OK)
		return;
	(void)fprintf(stderr, "edge_state: %s\n", e->text);
	exit(1);
}

static struct str sealed(
	struct state *s, const char *purpose, const struct pki_key *key)
{
	unsigned char plain[PKI_KEY_MAX];
	struct sbuf b = sbuf_arena(s->arena, PKI_KEY_MAX + CRYPTO_SEAL_EXTRA);
	size_t n;

	BUG(pki_key_write(key, plain, sizeof(plain), &n) != ST_OK);
	crypto_seal(s->seal, str_of(purpose),
		(struct str){ (const char *)plain, n }, &b);
	mem_wipe(plain, sizeof(plain));
	return sbuf_str(&b);
}

static void certificate(struct state *s, struct str name, struct view_host *h)
{
	unsigned char id[CRYPTO_SHA256_BYTES];
	struct pki_key *key = NULL;
	struct pki_cert *leaf = NULL;
	struct err e;

	must(pki_key_generate(PKI_P256, &key, &e), &e);
	must(pki_ca_issue(s->ca, s->ca_key, key, &name, 1, s->from, s->to,
		     &leaf, &e),
		&e);
	h->chain = arena_array(s->arena, 2, sizeof(*h->chain));
	h->chain[0] = pki_cert_der(leaf, s->arena);
	h->chain[1] = pki_cert_der(s->ca, s->arena);
	h->n_chain = 2;
	crypto_sha256(h->chain[0], id);
	h->cert_id = arena_str(
		s->arena, (struct str){ (const char *)id, sizeof(id) });
	h->key_sealed = sealed(s, "cert", key);
	pki_cert_free(&leaf);
	pki_key_free(&key);
}

static void challenges(struct state *s, struct str name, struct view_host *h)
{
	static struct view_http01 answer = { { "tok-1", 5 },
		{ "tok-1.thumbprint", 16 } };
	unsigned char sum[CRYPTO_SHA256_BYTES];
	struct pki_key *key = NULL;
	struct pki_cert *cert = NULL;
	struct err e;

	h->http01 = &answer;
	h->n_http01 = 1;
	crypto_sha256(answer.key_auth, sum);
	must(pki_key_generate(PKI_P256, &key, &e), &e);
	must(pki_alpn_cert(key, name, sum, s->from, &cert, &e), &e);
	h->alpn_cert = pki_cert_der(cert, s->arena);
	h->alpn_key_sealed = sealed(s, "alpn", key);
	pki_cert_free(&cert);
	pki_key_free(&key);
}

static void host(struct state *s, const char *name, enum view_host_kind kind,
	const char *policy, bool with_certificate)
{
	struct str n = str_of(name);
	struct view_host h = { .kind = kind };
	struct err e;

	if (policy != NULL)
		h.policy = str_of(policy);
	if (kind == VIEW_HOST_POLICY) {
		h.tenant = STR("tenant");
		h.domain = str_from(n, 8);
	}
	if (with_certificate)
		certificate(s, n, &h);
	if (str_eq(n, STR("mta-sts.a.example")))
		challenges(s, n, &h);
	must(view_set_host(s->view, n, &h, &e), &e);
}

static void write_ca(struct state *s, const char *path)
{
	struct sbuf b = sbuf_arena(s->arena, 1 << 16);
	struct str der = pki_cert_der(s->ca, s->arena), text;
	FILE *out = fopen(path, "we");

	BUG(out == NULL);
	pki_chain_write_pem(&b, &der, 1);
	text = sbuf_str(&b);
	BUG(fwrite(text.p, 1, text.n, out) != text.n || fclose(out) != 0);
}

static void begin(struct state *s, const char *dir)
{
	struct view_writer_options options = VIEW_WRITER_DEFAULTS;
	const char *seal = arena_fmt(s->arena, "%s/keys/seal.key", dir).p;
	struct err e;

	BUG(mkdir(dir, 0755) != 0 && errno != EEXIST);
	BUG(mkdir(arena_fmt(s->arena, "%s/keys", dir).p, 0700) != 0);
	BUG(mkdir(arena_fmt(s->arena, "%s/view", dir).p, 0755) != 0);
	must(crypto_key_create(seal, &e), &e);
	must(crypto_key_open(seal, &s->seal, &e), &e);
	must(pki_key_generate(PKI_P256, &s->ca_key, &e), &e);
	must(pki_ca_root(s->ca_key, STR("edge test CA"), s->from, s->to, &s->ca,
		     &e),
		&e);
	must(view_writer_create(arena_fmt(s->arena, "%s/view/view.mdb", dir).p,
		     &options, NULL, &s->view, &e),
		&e);
}

int main(int argc, char **argv)
{
	struct state s = { .arena = arena_must(0),
		.from = { 1700000000 },
		.to = { 4000000000 } };
	struct view_label label = { STR("tenant"), STR("a.example") };
	struct err e;

	if (argc != 3) {
		(void)fprintf(stderr, "usage: edge_state STATE-DIR CA.pem\n");
		return 64;
	}
	begin(&s, argv[1]);
	write_ca(&s, argv[2]);
	host(&s, "mta-sts.a.example", VIEW_HOST_POLICY, POLICY("mx.a.example"),
		true);
	host(&s, "mta-sts.b.example", VIEW_HOST_POLICY, POLICY("mx.b.example"),
		true);
	host(&s, "mta-sts.new.example", VIEW_HOST_POLICY,
		POLICY("mx.new.example"), false);
	host(&s, "rua.example", VIEW_HOST_REPORT, NULL, true);
	host(&s, "console.example", VIEW_HOST_CONSOLE, NULL, true);
	must(view_set_label(s.view, STR("abcdefgh23456777"), &label, &e), &e);
	must(view_writer_commit(s.view, &e), &e);
	must(view_writer_publish(s.view, &e), &e);
	view_writer_close(&s.view);
	crypto_key_free(&s.seal);
	pki_cert_free(&s.ca);
	pki_key_free(&s.ca_key);
	arena_free(&s.arena);
	return 0;
}
