#include <vcflash/llms/qwen2.hpp>
#include <vcflash/text/time_message.hpp>

#include <iostream>

int main() {
  std::cout << vcflash::parameter_count<vcflash::Qwen2_7B> << " parameters, "
            << vcflash::key_count<vcflash::Qwen2_7B> << " keys\n"
            << vcflash::text::time_message(8.0, 4) << '\n';
}
