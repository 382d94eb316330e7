// expect-error: ToMeKind is no Connector (connectors/connector.hpp): it lacks
// BOOST_HANA_DEFINE_STRUCT, or, if it fits itself between its neighbours, these
#include <vcflash/connectors/tome.hpp>
#include <vcflash/encoders/umt.hpp>
#include <vcflash/llms/qwen2.hpp>
#include <vcflash/models/video_chat.hpp>

using namespace vcflash;

VideoChat<Umt<Res448>, ToMe16, Qwen2_7B> broken;
