/* SPDX-License-Identifier: Apache-2.0 */
/* mail_address: no address that needs quoting is one. */
#include "proto/mail_address.h"

#include "base/poison.h"

bool mail_address_is_plain(struct str s)
{
	ptrdiff_t at = str_index(s, '@');

	if (at < 1 || (size_t)at + 1 >= s.n || s.n > MAIL_ADDRESS_BYTES_MAX ||
		str_index(str_from(s, (size_t)at + 1), '@') >= 0)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!chr_is_alnum(s.p[i]) &&
			str_index(STR("@.-_+=/!#$%&'*?^`{|}~"), s.p[i]) < 0)
			return false;
	return true;
}
