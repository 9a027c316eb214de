/* SPDX-License-Identifier: Apache-2.0 */
/* tls13: RFC 8446 with SHA-256 done by hand, because EVP's costs too much. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <string.h>
#include <sys/random.h>

#include <openssl/evp.h>

#include "bench/tls13.h"

#include "base/bug.h"
#include "base/wire.h"

#include "base/poison.h"

enum {
	RECORD_CCS = 20,
	RECORD_ALERT = 21,
	RECORD_HANDSHAKE = 22,
	RECORD_DATA = 23,
	MESSAGE_SERVER_HELLO = 2,
	MESSAGE_CERTIFICATE = 11,
	MESSAGE_FINISHED = 20,
	EXT_KEY_SHARE = 51,
};

static struct {
	EVP_PKEY *key; /* our share, the same for all connections */
	EVP_PKEY_CTX *derive;
	EVP_CIPHER_CTX *seal, *open;
	unsigned char share[32];
	unsigned char derived[32]; /* from the early secret */
	unsigned char empty_hash[32];
} own;

/* ---- HMAC and HKDF (RFC 8446 section 7.1) ---- */

static void hmac(unsigned char out[32], const unsigned char key[32],
	const unsigned char *data, size_t n)
{
	unsigned char pad[64];
	SHA256_CTX c;

	memset(pad, 0x36, sizeof(pad));
	for (int i = 0; i < 32; i++)
		pad[i] ^= key[i];
	(void)SHA256_Init(&c);
	(void)SHA256_Update(&c, pad, sizeof(pad));
	(void)SHA256_Update(&c, data, n);
	(void)SHA256_Final(out, &c);
	for (int i = 0; i < 64; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	(void)SHA256_Init(&c);
	(void)SHA256_Update(&c, pad, sizeof(pad));
	(void)SHA256_Update(&c, out, 32);
	(void)SHA256_Final(out, &c);
}

/* HKDF-Expand-Label of at most 32 bytes. */
static void expand(unsigned char *out, size_t n, const unsigned char secret[32],
	const char *label, struct str context)
{
	unsigned char info[128], block[32];
	struct wire_out w = wire_out_of(info, sizeof(info));
	struct str l = str_of(label);

	wire_put_u16(&w, (uint16_t)n);
	wire_put_u8(&w, (uint8_t)(6 + l.n));
	wire_put_bytes(&w, STR("tls13 "));
	wire_put_bytes(&w, l);
	wire_put_u8(&w, (uint8_t)context.n);
	wire_put_bytes(&w, context);
	wire_put_u8(&w, 1);
	BUG(w.failed || n > sizeof(block));
	hmac(block, secret, info, w.n);
	memcpy(out, block, n);
}

static struct str hash_str(const unsigned char h[32])
{
	return (struct str){ (const char *)h, 32 };
}

static void way_set(struct tls13_way *w, const unsigned char secret[32])
{
	expand(w->key, sizeof(w->key), secret, "key", STR(""));
	expand(w->iv, sizeof(w->iv), secret, "iv", STR(""));
	w->seq = 0;
}

static void transcript_hash(const struct tls13 *t, unsigned char out[32])
{
	SHA256_CTX c = t->transcript;

	(void)SHA256_Final(out, &c);
}

/* ---- records ---- */

static void nonce_next(struct tls13_way *w, unsigned char nonce[12])
{
	memcpy(nonce, w->iv, 12);
	for (int i = 0; i < 8; i++)
		nonce[4 + i] ^= (unsigned char)(w->seq >> (56 - 8 * i));
	w->seq++;
}

static size_t seal(
	struct tls13 *t, unsigned type, struct str text, unsigned char *out)
{
	unsigned char nonce[12], type_byte = (unsigned char)type;
	struct wire_out w = wire_out_of(out, 5);
	size_t body = text.n + 1 + 16;
	int n;

	wire_put_u8(&w, RECORD_DATA);
	wire_put_u16(&w, 0x0303);
	wire_put_u16(&w, (uint16_t)body);
	nonce_next(&t->out, nonce);
	(void)EVP_EncryptInit_ex(own.seal, NULL, NULL, t->out.key, nonce);
	(void)EVP_EncryptUpdate(own.seal, NULL, &n, out, 5);
	(void)EVP_EncryptUpdate(own.seal, out + 5, &n,
		(const unsigned char *)text.p, (int)text.n);
	(void)EVP_EncryptUpdate(own.seal, out + 5 + text.n, &n, &type_byte, 1);
	(void)EVP_EncryptFinal_ex(own.seal, out + 5 + text.n + 1, &n);
	(void)EVP_CIPHER_CTX_ctrl(
		own.seal, EVP_CTRL_GCM_GET_TAG, 16, out + 5 + text.n + 1);
	return 5 + body;
}

/* The plain text of a record and its type; false if it does not open. */
static bool unseal(struct tls13 *t, struct str record, unsigned char *out,
	size_t *n_out, unsigned *type)
{
	const unsigned char *p = (const unsigned char *)record.p;
	unsigned char nonce[12], tag[16];
	int n, body = (int)record.n - 5 - 16;

	if (body < 1)
		return false;
	memcpy(tag, p + 5 + body, sizeof(tag));
	nonce_next(&t->in, nonce);
	(void)EVP_DecryptInit_ex(own.open, NULL, NULL, t->in.key, nonce);
	(void)EVP_DecryptUpdate(own.open, NULL, &n, p, 5);
	(void)EVP_DecryptUpdate(own.open, out, &n, p + 5, body);
	(void)EVP_CIPHER_CTX_ctrl(own.open, EVP_CTRL_GCM_SET_TAG, 16, tag);
	if (EVP_DecryptFinal_ex(own.open, out + n, &n) != 1)
		return false;
	while (body > 0 && out[body - 1] == 0)
		body--;
	if (body == 0)
		return false;
	*type = out[body - 1];
	*n_out = (size_t)body - 1;
	return true;
}

size_t tls13_record(struct str in)
{
	const unsigned char *p = (const unsigned char *)in.p;
	size_t n;

	if (in.n < 5)
		return 0;
	n = 5 + ((size_t)p[3] << 8 | p[4]);
	return n <= in.n ? n : 0;
}

size_t tls13_say(struct tls13 *t, struct str text, unsigned char *out)
{
	return seal(t, RECORD_DATA, text, out);
}

/* ---- the handshake ---- */

void tls13_setup(void)
{
	EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_id(EVP_PKEY_X25519, NULL);
	EVP_CIPHER *aes = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
	unsigned char zero[32] = {}, early[32];
	size_t n = sizeof(own.share);

	BUG(EVP_PKEY_keygen_init(make) != 1);
	BUG(EVP_PKEY_keygen(make, &own.key) != 1);
	EVP_PKEY_CTX_free(make);
	BUG(EVP_PKEY_get_raw_public_key(own.key, own.share, &n) != 1);
	own.derive = EVP_PKEY_CTX_new(own.key, NULL);
	BUG(EVP_PKEY_derive_init(own.derive) != 1);
	own.seal = EVP_CIPHER_CTX_new();
	own.open = EVP_CIPHER_CTX_new();
	BUG(EVP_EncryptInit_ex(own.seal, aes, NULL, NULL, NULL) != 1);
	BUG(EVP_DecryptInit_ex(own.open, aes, NULL, NULL, NULL) != 1);
	EVP_CIPHER_free(aes);
	(void)SHA256((const unsigned char *)"", 0, own.empty_hash);
	hmac(early, zero, zero, sizeof(zero));
	expand(own.derived, 32, early, "derived", hash_str(own.empty_hash));
}

/* Everything behind server_name, but for the key share itself. */
static const unsigned char extensions[] = {
	0, 43, 0, 3, 2, 3, 4,		     /* TLS 1.3 */
	0, 10, 0, 4, 0, 2, 0, 29,	     /* X25519 */
	0, 13, 0, 8, 0, 6, 4, 3, 8, 4, 4, 1, /* ECDSA, RSA */
	0, 45, 0, 2, 1, 1,		     /* psk_dhe_ke */
	0, 16, 0, 11, 0, 9, 8, 'h', 't', 't', 'p', '/', '1', '.', '1', 0, 51, 0,
	38, 0, 36, 0, 29, 0, 32 /* key share */
};

size_t tls13_start(
	struct tls13 *t, struct str name, unsigned char out[TLS13_HELLO_MAX])
{
	struct wire_out w = wire_out_of(out, TLS13_HELLO_MAX);
	unsigned char random[32];
	size_t ext;

	BUG(getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random));
	t->state = TLS13_WAIT_SERVER_HELLO;
	t->name = name;
	t->n_messages = t->at = 0;
	t->name_seen = false;
	wire_put_bytes(
		&w, (struct str){ "\x16\x03\x01\0\0\x01\0\0\0\x03\x03", 11 });
	wire_put_bytes(&w, hash_str(random));
	wire_put_bytes(&w, (struct str){ "\0\0\x02\x13\x01\x01\0", 7 });
	ext = w.n;
	wire_put_u16(&w, 0);
	wire_put_u16(&w, 0); /* server_name */
	wire_put_u16(&w, (uint16_t)(name.n + 5));
	wire_put_u16(&w, (uint16_t)(name.n + 3));
	wire_put_u8(&w, 0);
	wire_put_u16(&w, (uint16_t)name.n);
	wire_put_bytes(&w, name);
	wire_put_bytes(&w,
		(struct str){ (const char *)extensions, sizeof(extensions) });
	wire_put_bytes(&w, hash_str(own.share));
	wire_patch_u16(&w, ext, (uint16_t)(w.n - ext - 2));
	wire_patch_u16(&w, 7, (uint16_t)(w.n - 9));
	wire_patch_u16(&w, 3, (uint16_t)(w.n - 5));
	BUG(w.failed);
	(void)SHA256_Init(&t->transcript);
	(void)SHA256_Update(&t->transcript, out + 5, w.n - 5);
	return w.n;
}

/* The server's X25519 share out of a ServerHello; empty if there is none. */
static struct str share_find(struct str message)
{
	struct wire_in in = wire_in_of(str_from(message, 4 + 2 + 32));

	(void)wire_bytes(&in, wire_u8(&in));
	if (wire_u16(&in) != 0x1301)
		return STR("");
	(void)wire_u8(&in);
	(void)wire_u16(&in);
	while (wire_left(&in) > 0) {
		unsigned type = wire_u16(&in);
		struct str v = wire_bytes(&in, wire_u16(&in));

		if (type == EXT_KEY_SHARE && v.n == 36)
			return str_from(v, 4);
	}
	return STR("");
}

static bool server_hello(struct tls13 *t, struct str message)
{
	struct str share = share_find(message);
	unsigned char secret[32], hash[32], server[32];
	size_t n = sizeof(secret);
	EVP_PKEY *peer;

	if (message.p[0] != MESSAGE_SERVER_HELLO || share.n != 32)
		return false;
	(void)SHA256_Update(&t->transcript, message.p, message.n);
	peer = EVP_PKEY_new_raw_public_key(
		EVP_PKEY_X25519, NULL, (const unsigned char *)share.p, share.n);
	if (EVP_PKEY_derive_set_peer_ex(own.derive, peer, 0) != 1 ||
		EVP_PKEY_derive(own.derive, secret, &n) != 1)
		n = 0;
	EVP_PKEY_free(peer);
	if (n != sizeof(secret))
		return false;
	hmac(t->handshake_secret, own.derived, secret, sizeof(secret));
	transcript_hash(t, hash);
	expand(t->client_traffic, 32, t->handshake_secret, "c hs traffic",
		hash_str(hash));
	expand(server, 32, t->handshake_secret, "s hs traffic", hash_str(hash));
	way_set(&t->in, server);
	way_set(&t->out, t->client_traffic);
	t->state = TLS13_WAIT_FINISHED;
	return true;
}

/* Writes our Finished and changes to the application keys. */
static size_t finish(struct tls13 *t, unsigned char *out)
{
	unsigned char hash[32], derived[32], zero[32] = {}, master[32];
	unsigned char key[32], message[36] = { MESSAGE_FINISHED, 0, 0, 32 };
	size_t n;

	transcript_hash(t, hash);
	expand(key, 32, t->client_traffic, "finished", STR(""));
	hmac(message + 4, key, hash, sizeof(hash));
	n = seal(t, RECORD_HANDSHAKE,
		(struct str){ (const char *)message, sizeof(message) }, out);
	expand(derived, 32, t->handshake_secret, "derived",
		hash_str(own.empty_hash));
	hmac(master, derived, zero, sizeof(zero));
	expand(key, 32, master, "s ap traffic", hash_str(hash));
	way_set(&t->in, key);
	expand(key, 32, master, "c ap traffic", hash_str(hash));
	way_set(&t->out, key);
	t->state = TLS13_OPEN;
	return n;
}

/* Walks the handshake messages that are whole. */
static enum tls13_event messages_walk(
	struct tls13 *t, unsigned char *out, size_t *n)
{
	while (t->at + 4 <= t->n_messages) {
		const unsigned char *m = t->messages + t->at;
		size_t len = 4 +
			     ((size_t)m[1] << 16 | (size_t)m[2] << 8 | m[3]);

		if (t->at + len > t->n_messages)
			return TLS13_NOTHING;
		if (m[0] == MESSAGE_CERTIFICATE)
			t->name_seen = memmem(m, len, t->name.p, t->name.n) !=
				       NULL;
		(void)SHA256_Update(&t->transcript, m, len);
		t->at += len;
		if (m[0] == MESSAGE_FINISHED) {
			*n = finish(t, out);
			return TLS13_READY;
		}
	}
	return TLS13_NOTHING;
}

static enum tls13_event sealed_take(
	struct tls13 *t, struct str record, unsigned char *out, size_t *n)
{
	unsigned type;

	if (!unseal(t, record, out, n, &type))
		return TLS13_BROKEN;
	if (type == RECORD_ALERT)
		return *n == 2 && out[1] == 0 ? TLS13_CLOSED : TLS13_BROKEN;
	if (t->state == TLS13_OPEN) /* tickets are not our business */
		return type == RECORD_DATA ? TLS13_DATA : TLS13_NOTHING;
	if (type != RECORD_HANDSHAKE ||
		*n > sizeof(t->messages) - t->n_messages)
		return TLS13_BROKEN;
	memcpy(t->messages + t->n_messages, out, *n);
	t->n_messages += *n;
	return messages_walk(t, out, n);
}

enum tls13_event tls13_take(
	struct tls13 *t, struct str record, unsigned char *out, size_t *n)
{
	switch (record.p[0]) {
	case RECORD_CCS:
		return TLS13_NOTHING;
	case RECORD_HANDSHAKE:
		return t->state == TLS13_WAIT_SERVER_HELLO && record.n > 50 &&
				       server_hello(t, str_from(record, 5))
			       ? TLS13_NOTHING
			       : TLS13_BROKEN;
	case RECORD_DATA:
		return t->state == TLS13_WAIT_SERVER_HELLO
			       ? TLS13_BROKEN
			       : sealed_take(t, record, out, n);
	default:
		return TLS13_BROKEN;
	}
}
