#include <vcflash/app/merge_adapter_main.hpp>

int main(int argc, char** argv) { return vcflash::app::merge_adapter_main(argc, argv); }
