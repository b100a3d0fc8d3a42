import { A as init_SmithyMessageEncoderStream, B as init_HeaderMarshaller, C as init_EventStreamMarshaller, D as getChunkedStream, E as init_getUnmarshalledStream, F as MessageDecoderStream, H as init_Int64, I as init_MessageDecoderStream, L as EventStreamCodec, M as init_SmithyMessageDecoderStream, N as MessageEncoderStream, O as init_getChunkedStream, P as init_MessageEncoderStream, R as init_EventStreamCodec, S as eventStreamSerdeProvider$1, T as getUnmarshalledStream, V as Int64, _ as readableStreamToIterable, b as init_EventStreamMarshaller$1, d as EventStreamSerde, f as init_EventStreamSerde, g as iterableToReadableStream, h as init_utils, j as SmithyMessageDecoderStream, k as SmithyMessageEncoderStream, m as resolveEventStreamSerdeConfig, p as init_EventStreamSerdeConfig, u as init_event_streams, v as EventStreamMarshaller, w as getMessageUnmarshaller, x as EventStreamMarshaller$1, y as eventStreamSerdeProvider, z as HeaderMarshaller } from "./aws-sdk.js";

init_Int64();
init_HeaderMarshaller();
init_EventStreamCodec();
init_MessageDecoderStream();
init_MessageEncoderStream();
init_SmithyMessageDecoderStream();
init_SmithyMessageEncoderStream();
init_getChunkedStream();
init_getUnmarshalledStream();
init_EventStreamMarshaller();
init_EventStreamMarshaller$1();
init_utils();
init_EventStreamSerdeConfig();
init_EventStreamSerde();
init_event_streams();
export { EventStreamSerde, eventStreamSerdeProvider };