/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edge_certs: two bounded caches, least recently used goes first: identities by
 * leaf, and issuer certificates, which thousands of chains share.
 */
#include <string.h>

#include "hosting/edge_certs.h"

#include "base/bug.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "io/pki.h"

#include "base/poison.h"

#define ISSUERS_MAX 64
#define SAY_EVERY_MS 10000 /* a stranger's ClientHello makes no log line */

struct entry {
	struct entry *next, *prev; /* used more, less recently */
	unsigned char id[CRYPTO_SHA256_BYTES];
	void *value;
};

struct lru {
	struct map *map;
	struct entry *newest, *oldest;
	size_t max;
	void (*drop)(void *value);
};

struct edge_certs {
	const struct crypto_key *seal;
	struct lru identities, issuers;
	struct tls_identity *alpn; /* the last one asked for */
	struct mono say_at;	   /* before this, faults are only counted */
	int64_t unsaid;
};

/* ---- lru ---- */

static void lru_init(struct lru *l, size_t max, void (*drop)(void *value))
{
	*l = (struct lru){ .map = map_new(), .max = max, .drop = drop };
}

static void unlink_entry(struct lru *l, struct entry *e)
{
	*(e->next != NULL ? &e->next->prev : &l->newest) = e->prev;
	*(e->prev != NULL ? &e->prev->next : &l->oldest) = e->next;
}

static void link_newest(struct lru *l, struct entry *e)
{
	e->next = NULL;
	e->prev = l->newest;
	*(l->newest != NULL ? &l->newest->next : &l->oldest) = e;
	l->newest = e;
}

static struct str id_of(const struct entry *e)
{
	return (struct str){ (const char *)e->id, sizeof(e->id) };
}

static void *lru_get(struct lru *l, struct str id)
{
	struct entry *e = map_get(l->map, id);

	if (e == NULL)
		return NULL;
	if (e != l->newest) {
		unlink_entry(l, e);
		link_newest(l, e);
	}
	return e->value;
}

static void lru_drop(struct lru *l, struct entry *e)
{
	unlink_entry(l, e);
	(void)map_take(l->map, id_of(e));
	l->drop(e->value);
	mem_free(e);
}

static void lru_put(struct lru *l, struct str id, void *value)
{
	struct entry *e = mem_must(sizeof(*e));

	BUG(id.n != sizeof(e->id));
	if (map_count(l->map) >= l->max)
		lru_drop(l, l->oldest);
	memcpy(e->id, id.p, id.n);
	e->value = value;
	(void)map_put(l->map, id, e);
	link_newest(l, e);
}

static void lru_fini(struct lru *l)
{
	while (l->oldest != NULL)
		lru_drop(l, l->oldest);
	map_free(&l->map);
}

/* ---- reading from the view ---- */

static void drop_identity(void *value)
{
	struct tls_identity *id = value;

	tls_identity_free(&id);
}

static void drop_issuer(void *value)
{
	struct pki_cert *cert = value;

	pki_cert_free(&cert);
}

static enum status open_key(struct edge_certs *c, struct str purpose,
	struct str sealed, struct pki_key **out, struct err *e)
{
	unsigned char plain[PKI_KEY_MAX];
	enum status st;
	size_t n;

	st = crypto_open(c->seal, purpose, sealed, plain, sizeof(plain), &n);
	if (st != ST_OK)
		return err_set(e, ST_TEMP, "the key does not open");
	st = pki_key_read((struct str){ (const char *)plain, n }, out);
	mem_wipe(plain, sizeof(plain));
	if (st != ST_OK)
		return err_set(e, ST_TEMP, "the key cannot be read");
	return ST_OK;
}

/* One more reference to an issuer, parsed once for all chains that have it. */
static enum status issuer_get(struct edge_certs *c, struct str der,
	struct pki_cert **out, struct err *e)
{
	unsigned char sum[CRYPTO_SHA256_BYTES];
	struct str id = { (const char *)sum, sizeof(sum) };
	struct pki_cert *cert;
	enum status st;

	crypto_sha256(der, sum);
	cert = lru_get(&c->issuers, id);
	if (cert == NULL) {
		st = pki_cert_parse(der, &cert, e);
		if (st != ST_OK)
			return st;
		lru_put(&c->issuers, id, cert);
	}
	*out = pki_cert_ref(cert);
	return ST_OK;
}

static enum status identity_make(struct edge_certs *c, const struct str *chain,
	size_t n, struct str purpose, struct str key_sealed,
	struct tls_identity **out, struct err *e)
{
	struct pki_cert *certs[PKI_CHAIN_MAX] = {};
	struct pki_key *key = NULL;
	enum status st;

	if (n > PKI_CHAIN_MAX)
		return err_set(e, ST_TEMP, "the chain is too long");
	st = open_key(c, purpose, key_sealed, &key, e);
	if (st == ST_OK)
		st = pki_cert_parse(chain[0], &certs[0], e);
	for (size_t i = 1; i < n && st == ST_OK; i++)
		st = issuer_get(c, chain[i], &certs[i], e);
	if (st == ST_OK)
		st = tls_identity_new(certs, n, key, out, e);
	for (size_t i = 0; i < n; i++)
		pki_cert_free(&certs[i]);
	pki_key_free(&key);
	return st == ST_OK ? ST_OK : ST_TEMP;
}

static void say(struct edge_certs *c, const char *event, struct str domain,
	const struct err *e)
{
	struct mono now = clock_mono(clock_system());

	if (now.ms < c->say_at.ms) {
		c->unsaid++;
		return;
	}
	LOG(LOG_ERROR, event, KV_STR("domain", domain), KV_Z("reason", e->text),
		KV_INT("unsaid", c->unsaid));
	c->say_at.ms = now.ms + SAY_EVERY_MS;
	c->unsaid = 0;
}

/* ---- exported ---- */

struct edge_certs *edge_certs_new(const struct crypto_key *seal, size_t max)
{
	struct edge_certs *c = mem_must(sizeof(*c));

	BUG(max == 0);
	c->seal = seal;
	lru_init(&c->identities, max, drop_identity);
	lru_init(&c->issuers, ISSUERS_MAX, drop_issuer);
	return c;
}

void edge_certs_free(struct edge_certs **c)
{
	if (*c == NULL)
		return;
	lru_fini(&(*c)->identities);
	lru_fini(&(*c)->issuers);
	tls_identity_free(&(*c)->alpn);
	mem_free(*c);
	*c = NULL;
}

enum status edge_certs_get(struct edge_certs *c, const struct view_host *host,
	struct tls_identity **out)
{
	struct tls_identity *id;
	struct err e = {};
	enum status st;

	if (host->n_chain == 0 || host->cert_id.n != CRYPTO_SHA256_BYTES)
		return ST_NOTFOUND;
	id = lru_get(&c->identities, host->cert_id);
	if (id == NULL) {
		st = identity_make(c, host->chain, host->n_chain, STR("cert"),
			host->key_sealed, &id, &e);
		if (st != ST_OK) {
			say(c, "edge.certificate", host->domain, &e);
			return st;
		}
		lru_put(&c->identities, host->cert_id, id);
	}
	*out = id;
	return ST_OK;
}

enum status edge_certs_alpn(struct edge_certs *c, const struct view_host *host,
	struct tls_identity **out)
{
	struct err e = {};
	enum status st;

	if (host->alpn_cert.p == NULL)
		return ST_NOTFOUND;
	tls_identity_free(&c->alpn);
	st = identity_make(c, &host->alpn_cert, 1, STR("alpn"),
		host->alpn_key_sealed, &c->alpn, &e);
	if (st != ST_OK)
		say(c, "edge.challenge", host->domain, &e);
	*out = c->alpn;
	return st;
}
