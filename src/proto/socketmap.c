/* SPDX-License-Identifier: Apache-2.0 */
/* socketmap: socketmap_table(5) of Postfix, dict_sockmap(3). */
#include "proto/socketmap.h"

#include "base/poison.h"

static const char *const words[] = {
	[SOCKETMAP_OK] = "OK",
	[SOCKETMAP_NOTFOUND] = "NOTFOUND",
	[SOCKETMAP_TEMP] = "TEMP",
	[SOCKETMAP_TIMEOUT] = "TIMEOUT",
	[SOCKETMAP_PERM] = "PERM",
};

#define N_WORDS (sizeof(words) / sizeof(*words))

enum status socketmap_request_parse(
	struct str content, struct socketmap_request *out)
{
	struct str key = content, name = str_cut(&key, ' ');

	if (key.p == NULL)
		return ST_INVALID;
	*out = (struct socketmap_request){ name, key };
	return ST_OK;
}

void socketmap_request_write(
	struct sbuf *b, const struct socketmap_request *request)
{
	sbuf_fmt(b, "%zu:", request->name.n + 1 + request->key.n);
	sbuf_add(b, request->name);
	sbuf_addc(b, ' ');
	sbuf_add(b, request->key);
	sbuf_addc(b, ',');
}

void socketmap_reply_write(
	struct sbuf *b, enum socketmap_status status, struct str text)
{
	sbuf_addz(b, words[status]);
	sbuf_addc(b, ' ');
	sbuf_add(b, text);
}

enum status socketmap_reply_parse(
	struct str content, enum socketmap_status *status, struct str *text)
{
	struct str rest = content, word = str_cut(&rest, ' ');

	if (rest.p == NULL)
		return ST_INVALID;
	for (size_t i = 0; i < N_WORDS; i++) {
		if (!str_eq(word, str_of(words[i])))
			continue;
		*status = (enum socketmap_status)i;
		*text = rest;
		return ST_OK;
	}
	return ST_INVALID;
}
