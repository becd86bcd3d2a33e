#include "lib/utf8.h"

/* No overlong forms, no surrogates, nothing past U+10FFFF. */
size_t utf8_length(const char *text)
{
	const unsigned char *byte = (const unsigned char *)text;
	unsigned char low = 0x80, high = 0xbf;
	size_t more;

	if (byte[0] < 0x80)
		return 1;
	if (byte[0] < 0xc2 || byte[0] > 0xf4)
		return 0;
	more = byte[0] < 0xe0 ? 1 : byte[0] < 0xf0 ? 2 : 3;
	if (byte[0] == 0xe0)
		low = 0xa0;
	else if (byte[0] == 0xed)
		high = 0x9f;
	else if (byte[0] == 0xf0)
		low = 0x90;
	else if (byte[0] == 0xf4)
		high = 0x8f;
	for (size_t i = 1; i <= more; i++, low = 0x80, high = 0xbf)
		if (byte[i] < low || byte[i] > high)
			return 0;
	return more + 1;
}

bool utf8_is_valid(const char *text)
{
	size_t length;

	for (; *text; text += length) {
		length = utf8_length(text);
		if (!length)
			return false;
	}
	return true;
}

/* Of ASCII, and U+0080 to U+009F, which are the same with fewer bits: the kernel's terminal and xterm obey U+009B as they do ESC [. */
static bool is_control(const char *text)
{
	const unsigned char *byte = (const unsigned char *)text;

	return byte[0] < 0x20 || byte[0] == 0x7f || (byte[0] == 0xc2 && byte[1] < 0xa0);
}

void utf8_make_printable(char *text)
{
	for (; *text; text++) {
		size_t length = utf8_length(text);

		if (length == 0 || is_control(text))
			*text = '?'; /* what follows in a character is none by itself */
		else
			text += length - 1;
	}
}
