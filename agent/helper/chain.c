#include "agent/helper/chain.h"

#include <errno.h>

void chain_init(struct chain *chain, const struct digest *asked, const struct platform *platform)
{
	*chain = (struct chain){ .asked = *asked, .platform = *platform, .next = *asked };
}

void chain_release(struct chain *chain)
{
	manifest_free(chain->manifest);
	image_config_free(chain->config);
	buf_release(&chain->manifest_text);
	buf_release(&chain->config_text);
}

static int check(const struct chain *chain, const char *what, const void *data, size_t size,
		 struct err *err)
{
	struct digest digest;

	digest_of(&digest, data, size);
	if (!digest_equal(&digest, &chain->next))
		return err_set(err, -EBADMSG, "the %s is damaged: its digest is %s instead of %s",
			       what, digest.text, chain->next.text);
	return 0;
}

int chain_index(struct chain *chain, const void *data, size_t size, struct err *err)
{
	const struct descriptor *selected;
	struct index *index;
	int rc = check(chain, "index", data, size, err);

	if (!rc)
		rc = index_parse(&index, data, size, err);
	if (rc < 0)
		return rc;
	selected = index_select(index, &chain->platform, err);
	if (selected)
		chain->next = selected->digest;
	index_free(index);
	return selected ? 0 : -ENOTSUP;
}

int chain_manifest(struct chain *chain, const void *data, size_t size, struct err *err)
{
	int rc = check(chain, "manifest", data, size, err);

	if (!rc)
		rc = manifest_parse(&chain->manifest, data, size, err);
	if (rc < 0)
		return rc;
	chain->manifest_digest = chain->next;
	chain->next = chain->manifest->config.digest;
	buf_append(&chain->manifest_text, data, size);
	return 0;
}

int chain_config(struct chain *chain, const void *data, size_t size, struct err *err)
{
	int rc = check(chain, "image config", data, size, err);

	if (!rc)
		rc = image_config_parse(&chain->config, data, size, err);
	if (!rc)
		rc = image_config_check(chain->config, chain->manifest, &chain->platform, err);
	if (rc < 0)
		return rc;
	buf_append(&chain->config_text, data, size);
	return 0;
}
