#include <vcflash/llms/qwen2.hpp>

vcflash::Tensor logits(vcflash::Qwen2_7B const& llm, vcflash::Tensor const& embeddings) {
  return llm.logits(llm.hidden_states(embeddings));
}

int main() { return vcflash::parameter_count<vcflash::Qwen2_7B> > 0 ? 0 : 1; }
