/* SPDX-License-Identifier: Apache-2.0 */
/* acme_account: find, make, register. */
#include <string.h>

#include "hosting/acme_account.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "hosting/acme_client.h"
#include "hosting/acme_jws.h"
#include "hosting/acme_limits.h"
#include "io/crypto.h"
#include "io/pki.h"
#include "store/store.h"

#include "base/poison.h"

#define PURPOSE STR("account")
#define PAYLOAD_MAX (16u * 1024)

/* Unseals the key of the row. */
static enum status open_key(const struct crypto_key *seal,
	const struct store_acme_account *row, struct pki_key **out,
	struct err *e)
{
	unsigned char raw[PKI_KEY_MAX];
	size_t n = 0;
	enum status st = crypto_open(
		seal, PURPOSE, row->key_sealed, raw, sizeof(raw), &n);

	if (st == ST_OK)
		st = pki_key_read((struct str){ (char *)raw, n }, out);
	mem_wipe(raw, sizeof(raw));
	if (st != ST_OK)
		return err_set(e, ST_PERM,
			"the ACME account key does not open with this sealing "
			"key");
	return ST_OK;
}

/* Makes a key and a row that holds it, not registered yet. */
static enum status make_key(struct store *s, struct arena *a,
	const struct crypto_key *seal, struct str directory,
	struct store_acme_account *row, struct err *e)
{
	unsigned char raw[PKI_KEY_MAX];
	struct sbuf sealed = sbuf_arena(a, PKI_KEY_MAX + CRYPTO_SEAL_EXTRA);
	struct pki_key *key = NULL;
	size_t n = 0;
	enum status st = pki_key_generate(PKI_P256, &key, e);

	if (st != ST_OK)
		return st;
	st = pki_key_write(key, raw, sizeof(raw), &n);
	if (st == ST_OK)
		crypto_seal(
			seal, PURPOSE, (struct str){ (char *)raw, n }, &sealed);
	mem_wipe(raw, sizeof(raw));
	pki_key_free(&key);
	if (st != ST_OK || !sbuf_ok(&sealed))
		return err_set(e, ST_PERM, "sealing the ACME account key");
	*row = (struct store_acme_account){
		.directory = directory,
		.key_sealed = sbuf_str(&sealed),
		.created = clock_now(clock_system()).s,
	};
	return store_acme_account_put(s, row, e);
}

static enum status may_register(const struct acme_directory *d,
	const struct acme_account_options *o, struct err *e)
{
	if (d->terms.n > 0 && !o->agree_terms)
		return err_set(e, ST_PERM,
			"read the terms of the certificate authority, %.*s, "
			"then set acme.agree_terms = yes",
			STR_ARG(d->terms));
	if (d->needs_eab && o->eab_kid.n == 0)
		return err_set(e, ST_PERM,
			"the certificate authority wants an external account "
			"binding: set acme.eab_kid and acme.eab_key_file to "
			"what it gave you (RFC 8555 section 7.3.4)");
	return ST_OK;
}

static struct str payload(struct arena *a, const struct pki_key *key,
	const struct acme_directory *d, const struct acme_account_options *o)
{
	struct sbuf b = sbuf_arena(a, PAYLOAD_MAX);
	struct json_writer w = json_writer_of(&b, 0);

	json_open_object(&w, NULL);
	if (o->agree_terms)
		json_put_bool(&w, "termsOfServiceAgreed", true);
	json_put_strs(&w, "contact", o->contacts, o->n_contacts);
	if (o->eab_kid.n > 0)
		acme_jws_put_eab(a, &w, key, o->eab_kid,
			crypto_secret_bytes(o->eab_key), d->new_account);
	json_close_object(&w);
	return sbuf_ok(&b) ? sbuf_str(&b) : (struct str){};
}

/* newAccount: makes the account, or finds the one this key has already. */
static enum status enrol(struct store *s, struct arena *a,
	struct acme_client *c, const struct pki_key *key,
	const struct acme_account_options *o, struct store_acme_account *row,
	struct acme_reply *reply, struct err *e)
{
	const struct acme_directory *d;
	enum status st = acme_client_directory(c, &d, e);
	struct str text;

	if (st != ST_OK)
		return st;
	st = may_register(d, o, e);
	if (st != ST_OK)
		return st;
	text = payload(a, key, d, o);
	if (text.p == NULL)
		return err_set(e, ST_LIMIT, "ACME account: too many contacts");
	st = acme_limits_draw(s, a, o->directory, ACME_LIMIT_ACCOUNTS, STR(""),
		clock_now(clock_system()).s, e);
	if (st == ST_OK)
		st = acme_client_post(c, a, key, (struct str){}, d->new_account,
			text, reply, e);
	if (st != ST_OK)
		return st;
	if (reply->location.n == 0 || reply->location.n >= ACME_URL_MAX)
		return err_set(e, ST_INVALID,
			"the CA gave no account URL (RFC 8555 section 7.3)");
	st = acme_account_parse(a, reply->body, &row->status, e);
	if (st != ST_OK)
		return st;
	row->url = reply->location;
	row->contact = o->n_contacts > 0 ? o->contacts[0] : STR("");
	row->tos = arena_str(a, d->terms);
	LOG(LOG_INFO, "acme.account", KV_STR("directory", row->directory),
		KV_STR("url", row->url), KV_STR("status", row->status));
	return store_acme_account_put(s, row, e);
}

/* The row of the directory, made if there is none; one process at a time. */
static enum status find_or_make(struct store *s, struct arena *a,
	const struct crypto_key *seal, struct str directory,
	struct store_acme_account *row, struct err *e)
{
	enum status st = store_begin(s, e);

	if (st != ST_OK)
		return st;
	st = store_acme_account_get(s, a, directory, row, e);
	if (st == ST_NOTFOUND)
		st = make_key(s, a, seal, directory, row, e);
	if (st == ST_OK)
		st = store_commit(s, e);
	if (st != ST_OK)
		store_rollback(s);
	return st;
}

enum status acme_account_open(struct store *s, struct arena *a,
	const struct crypto_key *seal, struct acme_client *c,
	const struct acme_account_options *o, struct acme_account *out,
	struct acme_reply *reply, struct err *e)
{
	struct store_acme_account row;
	struct pki_key *key = NULL;
	enum status st;

	*reply = (struct acme_reply){};
	st = find_or_make(s, a, seal, o->directory, &row, e);
	if (st != ST_OK)
		return st;
	st = open_key(seal, &row, &key, e);
	if (st != ST_OK)
		return st;
	if (row.url.n == 0)
		st = enrol(s, a, c, key, o, &row, reply, e);
	if (st == ST_OK && row.url.n >= sizeof(out->url))
		st = err_set(e, ST_PERM, "ACME account URL is too long");
	if (st != ST_OK) {
		pki_key_free(&key);
		return st;
	}
	acme_account_fini(out);
	memcpy(out->url, row.url.p, row.url.n);
	out->kid = (struct str){ out->url, row.url.n };
	out->key = key;
	return ST_OK;
}

enum status acme_account_forget(struct store *s, struct acme_account *acc,
	struct str directory, struct err *e)
{
	struct arena *a = arena_must(0);
	struct store_acme_account row;
	enum status st = store_acme_account_get(s, a, directory, &row, e);

	if (st == ST_OK) {
		row.url = (struct str){};
		row.status = STR("forgotten");
		st = store_acme_account_put(s, &row, e);
	}
	acme_account_fini(acc);
	arena_free(&a);
	return st;
}

void acme_account_fini(struct acme_account *acc)
{
	pki_key_free(&acc->key);
	acc->kid = (struct str){};
}
