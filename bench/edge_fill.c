/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edge_fill: makes N policy hosts, each with a P-256 certificate of a local CA:
 * into a view for the edge, and as PEM files NAME.pem (chain and key in one)
 * for other servers.
 *
 *     edge_fill STATE-DIR PEM-DIR N
 *
 * STATE-DIR gets view/view.mdb and keys/seal.key.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/bug.h"
#include "base/mem.h"
#include "base/num.h"
#include "io/crypto.h"
#include "io/pki.h"
#include "view/view_writer.h"

#include "base/poison.h"

#define POLICY                                                                 \
	"version: STSv1\r\nmode: enforce\r\nmx: mx1.example.net\r\n"           \
	"mx: mx2.example.net\r\nmax_age: 604800\r\n"

struct fill {
	struct crypto_key *seal;
	struct pki_key *ca_key;
	struct pki_cert *ca;
	struct view_writer *view;
	const char *pem_dir;
	struct unix_time from, to;
};

static void must(enum status st, const struct err *e)
{
	if (st == ST_OK)
		return;
	(void)fprintf(stderr, "edge_fill: %s\n", e->text);
	_exit(1);
}

static void pem_key(struct sbuf *b, struct arena *a, const struct pki_key *key)
{
	unsigned char der[PKI_KEY_MAX];
	size_t n;

	/* SEC 1 would do; PKCS #8 of a P-256 key has a fixed prefix */
	static const char prefix[] = "\x30\x81\x87\x02\x01\x00\x30\x13\x06\x07"
				     "\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a"
				     "\x86\x48\xce\x3d\x03\x01\x07\x04\x6d\x30"
				     "\x6b\x02\x01\x01\x04\x20";
	static const char middle[] = "\xa1\x44\x03\x42\x00";
	struct sbuf raw = sbuf_arena(a, 256);

	BUG(pki_key_write(key, der, sizeof(der), &n) != ST_OK || der[0] != 'E');
	sbuf_add(&raw, (struct str){ prefix, sizeof(prefix) - 1 });
	sbuf_add(&raw, (struct str){ (char *)der + 1, 32 });
	sbuf_add(&raw, (struct str){ middle, sizeof(middle) - 1 });
	sbuf_add(&raw, (struct str){ (char *)der + 33, 65 });
	sbuf_addz(b, "-----BEGIN PRIVATE KEY-----\n");
	base64_write(b, sbuf_str(&raw));
	sbuf_addz(b, "\n-----END PRIVATE KEY-----\n");
	mem_wipe(der, sizeof(der));
}

static void pem_file(struct fill *f, struct arena *a, struct str name,
	const struct str *chain, const struct pki_key *key)
{
	struct sbuf b = sbuf_arena(a, 1 << 16);
	FILE *out = fopen(
		arena_fmt(a, "%s/%.*s.pem", f->pem_dir, STR_ARG(name)).p, "we");
	struct str text;

	BUG(out == NULL);
	pki_chain_write_pem(&b, chain, 2);
	pem_key(&b, a, key);
	text = sbuf_str(&b);
	BUG(fwrite(text.p, 1, text.n, out) != text.n);
	BUG(fclose(out) != 0);
}

static struct str sealed(
	struct fill *f, struct arena *a, const struct pki_key *key)
{
	unsigned char plain[PKI_KEY_MAX];
	struct sbuf b = sbuf_arena(a, PKI_KEY_MAX + CRYPTO_SEAL_EXTRA);
	size_t n;

	BUG(pki_key_write(key, plain, sizeof(plain), &n) != ST_OK);
	crypto_seal(f->seal, STR("cert"),
		(struct str){ (const char *)plain, n }, &b);
	mem_wipe(plain, sizeof(plain));
	return sbuf_str(&b);
}

static void host(struct fill *f, struct arena *a, uint32_t i)
{
	struct str name = arena_fmt(a, "mta-sts.h%06u.example", i);
	struct str chain[2];
	unsigned char id[CRYPTO_SHA256_BYTES];
	struct view_host h = { .kind = VIEW_HOST_POLICY,
		.tenant = STR("t"),
		.domain = str_from(name, 8),
		.policy = STR(POLICY),
		.cert_id = { (const char *)id, sizeof(id) },
		.chain = chain,
		.n_chain = 2 };
	struct pki_key *key = NULL;
	struct pki_cert *leaf = NULL;
	struct err e;

	must(pki_key_generate(PKI_P256, &key, &e), &e);
	must(pki_ca_issue(f->ca, f->ca_key, key, &name, 1, f->from, f->to,
		     &leaf, &e),
		&e);
	chain[0] = pki_cert_der(leaf, a);
	chain[1] = pki_cert_der(f->ca, a);
	crypto_sha256(chain[0], id);
	h.key_sealed = sealed(f, a, key);
	must(view_set_host(f->view, name, &h, &e), &e);
	pem_file(f, a, name, chain, key);
	pki_cert_free(&leaf);
	pki_key_free(&key);
}

static void start(struct fill *f, const char *state, struct arena *a)
{
	struct view_writer_options options = VIEW_WRITER_DEFAULTS;
	const char *seal = arena_fmt(a, "%s/keys/seal.key", state).p;
	struct err e;

	BUG(mkdir(arena_fmt(a, "%s/keys", state).p, 0700) != 0 &&
		errno != EEXIST);
	BUG(mkdir(arena_fmt(a, "%s/view", state).p, 0755) != 0 &&
		errno != EEXIST);
	must(crypto_key_create(seal, &e), &e);
	must(crypto_key_open(seal, &f->seal, &e), &e);
	must(pki_key_generate(PKI_P256, &f->ca_key, &e), &e);
	must(pki_ca_root(
		     f->ca_key, STR("bench CA"), f->from, f->to, &f->ca, &e),
		&e);
	must(view_writer_create(arena_fmt(a, "%s/view/view.mdb", state).p,
		     &options, NULL, &f->view, &e),
		&e);
}

int main(int argc, char **argv)
{
	struct fill f = { .from = { 1700000000 }, .to = { 4000000000 } };
	struct arena *a = arena_must(0);
	struct err e;
	uint32_t n;

	if (argc != 4 || num_u32(str_of(argv[3]), 1, 10000000, &n) != ST_OK) {
		(void)fprintf(stderr, "usage: edge_fill STATE-DIR PEM-DIR N\n");
		return 64;
	}
	f.pem_dir = argv[2];
	start(&f, argv[1], a);
	for (uint32_t i = 0; i < n; i++) {
		arena_reset(a);
		host(&f, a, i);
	}
	must(view_writer_commit(f.view, &e), &e);
	must(view_writer_publish(f.view, &e), &e);
	view_writer_close(&f.view);
	crypto_key_free(&f.seal);
	pki_cert_free(&f.ca);
	pki_key_free(&f.ca_key);
	arena_free(&a);
	return 0;
}
